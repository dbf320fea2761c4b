package videoroom

import (
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Moves is of plugin.Moving.
func (*Plugin) Moves() {}

// current is the handle's peer, nil for none, and the generation of its last.
func (d *draft) current() (peer *plugin.Peer, last uint32) {
	if p := d.publishers[d.me()]; p != nil {
		return p.Peer, p.Generation
	}
	if s := d.subscribers[d.me()]; s != nil {
		return s.Peer, s.Generation
	}
	return nil, 0
}

// ownPeer returns the handle's peer to be changed. There is one.
func (d *draft) ownPeer() *plugin.Peer {
	if p := d.publishers[d.me()]; p != nil {
		return d.own(p).Peer
	}
	return d.ownSubscriber(d.subscribers[d.me()]).Peer
}

// host is of moving.Host: the draft, of the handle that publishes or subscribes.
type host struct{ *draft }

// Peer is of moving.Host, as is all that follows.
func (h host) Peer() (*plugin.Peer, uint32) { return h.current() }

func (h host) OwnPeer() *plugin.Peer { return h.ownPeer() }

// Stays: of a subscriber whose node is dead, an open offer goes along.
func (h host) Stays(dead bool) string {
	p, s := h.publishers[h.me()], h.subscribers[h.me()]
	switch {
	case p != nil && p.encrypted():
		return "PeerConnection is forwarded by SRTP, from its node"
	case s != nil && s.Offered && !dead:
		return "An offer waits for its answer"
	}
	return ""
}

// encrypted tells whether somebody gets the publisher under a key that was given: which indexes of it have been used, its node alone
// knows.
func (p *publisher) encrypted() bool {
	for _, f := range p.Forwards {
		if f.SRTP {
			return true
		}
	}
	for _, r := range p.Remotizations {
		if r.Suite != 0 {
			return true
		}
	}
	return false
}

func (h host) Place() ([]string, plugin.Load) { return h.inUse(), h.myLoad() }

// Prepare: a subscriber's feeds are there then when the endpoint comes.
func (h host) Prepare(node string) bool {
	s := h.subscribers[h.me()]
	if s == nil {
		return true
	}
	_, ok := h.Ask(plugin.Question{Node: node, Handle: h.me(), Told: s.Peer.Told, Request: h.subscription(s, node)})
	return ok
}

// Section: the first that was not refused.
func (h host) Section() (mid string, index uint32) {
	if p := h.publishers[h.me()]; p != nil {
		for i := range p.Streams {
			if !p.Streams[i].Disabled {
				return p.Streams[i].Mid, uint32(i)
			}
		}
	}
	return "0", 0 // of a subscriber, whose slots are never removed
}

func (h host) Moved() {
	if s := h.subscribers[h.me()]; s != nil {
		s = h.ownSubscriber(s)
		_ = h.inform(s) // a node that does not answer will be told with what comes next, as below
		h.renegotiate(s)
		return
	}
	p := h.own(h.publishers[h.me()])
	h.repeat(p)
	for _, s := range h.watchers() {
		if s.Peer != nil && s.watches(p.handle) {
			_ = h.inform(h.ownSubscriber(s))
		}
	}
}

func (h host) Stayed() {
	if s := h.subscribers[h.me()]; s != nil {
		h.renegotiate(h.ownSubscriber(s))
	}
}

func (h host) Anything(peer *plugin.Peer) proto.Message {
	if s := h.subscribers[h.me()]; s != nil {
		return h.subscription(s, peer.Node)
	}
	return &mediav1.UpdatePublisherRequest{Peer: peerID(h.me(), peer)}
}

func (h host) Closed(peer *plugin.Peer, last, generation uint32, reason string) {
	h.closed(h.publishers[h.me()], h.subscribers[h.me()], peer, last, generation, reason)
}

// repeat tells a publisher's node what is taken of each stream.
func (d *draft) repeat(p *publisher) {
	request := &mediav1.UpdatePublisherRequest{Peer: peerID(p.handle, p.Peer), BitrateBps: new(d.capped(p.Bitrate))}
	for i := range p.Streams {
		if s := &p.Streams[i]; !s.Disabled {
			request.Streams = append(request.Streams, &mediav1.StreamState{Mid: s.Mid, Relay: new(s.relayed())})
		}
	}
	if _, ok, err := d.call(p.handle, p.Peer, request); ok && err == nil {
		p.Peer.Told++
	}
}
