package videoroom

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// lostOnTheWay is what an endpoint is told whose peer two nodes have lost between them.
const lostOnTheWay = "ICE failed"

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

// move has another node take the handle's peer over, and tells the endpoint where that is. The peer is where it was until the
// node says that it has it.
func (d *draft) move(m *busv1.Move) {
	peer, _ := d.current()
	switch {
	case peer != nil && m.GetFrom() != "" && peer.Node != m.GetFrom():
		return // it has gone already
	case peer != nil && peer.Next != "" && d.Alive(peer.Next):
		return // it is on its way
	}
	dead := m.GetKeeper() != "" // the node that has it
	if why := d.unmovable(peer, dead); why != "" {
		d.Failure = fault.Newf(fault.WrongState, "%s", why)
		return
	}
	to := m.GetTo()
	if to == "" {
		placed, ok := d.Ask(plugin.Question{Place: true, Near: d.inUse(), Not: peer.Node, Avoid: d.left(peer), Load: d.myLoad()})
		if !ok || placed.Err != nil {
			d.Failure = placed.Err
			return
		}
		to = placed.Node
	}
	if to == peer.Node {
		return
	}
	request := &mediav1.TakePeerRequest{Peer: peerID(d.me(), peer), From: peer.Node}
	if dead {
		request.From, request.Keeper, request.Owner = "", m.GetKeeper(), peer.Node
	}
	answer, ok := d.Ask(plugin.Question{Node: to, Handle: d.me(), Told: peer.Told, Request: request})
	if !ok {
		return
	}
	if answer.Err != nil {
		d.Failure = answer.Err
		return
	}
	if !d.prepare(to, peer) {
		return
	}
	peer = d.ownPeer()
	if peer.Next != "" {
		d.Lost = append(d.Lost, key(d.me(), &plugin.Peer{Node: peer.Next, Generation: peer.Generation}))
	}
	peer.Next, peer.Saved = to, dead
	d.Made = append(d.Made, key(d.me(), &plugin.Peer{Node: to, Generation: peer.Generation}))
	taken, _ := answer.Response.(*mediav1.TakePeerResponse)
	for _, candidate := range taken.GetCandidates() {
		mid, index := d.bundle()
		d.core(&busv1.Event{Kind: &busv1.Event_Candidate{Candidate: &busv1.Candidate{
			Candidate: "candidate:" + candidate, SdpMid: mid, SdpMLineIndex: index,
		}}})
	}
}

// returnsAfter is how long a browser takes to forget that an address of ours did not answer any more, and somewhat more: until then it is
// slow to go back there (ADR 8).
const returnsAfter = 35 * time.Second

// left are the nodes whose addresses the peer's endpoint would be slow to come back to: the one it is to leave now, and the one before
// that, unless it is long ago.
func (d *draft) left(peer *plugin.Peer) []string {
	nodes := []string{peer.Node}
	if peer.Was != "" && d.Now.Sub(time.UnixMilli(peer.Left)) < returnsAfter {
		nodes = append(nodes, peer.Was)
	}
	return nodes
}

// unmovable says why a peer has to stay where it is, if it has to. One of a dead node takes its open offer along.
func (d *draft) unmovable(peer *plugin.Peer, dead bool) string {
	p, s := d.publishers[d.me()], d.subscribers[d.me()]
	switch {
	case peer == nil:
		return "Handle has no PeerConnection"
	case !peer.Up:
		return "PeerConnection is not up"
	case p != nil && p.hasData() || s != nil && s.hasData():
		return "PeerConnection has data channels, which cannot be moved"
	case p != nil && p.Written != nil:
		return "PeerConnection is recorded, to a file of its node"
	case p != nil && len(p.Forwards)+len(p.Remotizations) > 0:
		return "PeerConnection is forwarded, from ports of its node"
	case s != nil && s.Offered && !dead:
		return "An offer waits for its answer"
	}
	return ""
}

func (p *publisher) hasData() bool {
	for i := range p.Streams {
		if s := &p.Streams[i]; s.Type == data && !s.Disabled {
			return true
		}
	}
	return false
}

func (s *subscriber) hasData() bool {
	for i := range s.Slots {
		if s.Slots[i].Type == data {
			return true
		}
	}
	return false
}

// prepare tells the node that is to have a subscriber where the feeds are, as seen from there, so that they are there when the
// endpoint comes. It returns false if the turn has ended. What the node does not take now it is told when it has the peer.
func (d *draft) prepare(node string, peer *plugin.Peer) bool {
	s := d.subscribers[d.me()]
	if s == nil {
		return true
	}
	_, ok := d.Ask(plugin.Question{Node: node, Handle: d.me(), Told: peer.Told, Request: d.subscription(s, node)})
	return ok
}

// bundle is the m= section that carries the transport of all: the first that was not refused.
func (d *draft) bundle() (mid string, index uint32) {
	if p := d.publishers[d.me()]; p != nil {
		for i := range p.Streams {
			if !p.Streams[i].Disabled {
				return p.Streams[i].Mid, uint32(i)
			}
		}
	}
	return "0", 0 // of a subscriber, whose slots are never removed
}

// moved is the word of a node that has taken the handle's peer over. Everyone is told where it is, and that node all that has
// been said to the one before since it gave the peer's state.
func (d *draft) moved(news *busv1.PeerEvent) {
	peer, _ := d.current()
	node := news.GetNodeId()
	if peer == nil || peer.Generation != news.GetGeneration() {
		d.Close(d.me(), &plugin.Peer{Node: node, Generation: news.GetGeneration()}, "", true) // it has ended meanwhile
		return
	}
	if peer.Node == node {
		return
	}
	peer = d.ownPeer()
	d.Lost = append(d.Lost, key(d.me(), peer))
	if other := peer.Next; other != "" && other != node {
		other := &plugin.Peer{Node: other, Generation: peer.Generation}
		d.Lost = append(d.Lost, key(d.me(), other))
		d.Close(d.me(), other, "", true)
	}
	peer.Was, peer.Left = peer.Node, d.Now.UnixMilli()
	peer.Node, peer.Next = node, ""
	d.Made = append(d.Made, key(d.me(), peer))
	if s := d.subscribers[d.me()]; s != nil {
		s = d.ownSubscriber(s)
		_ = d.inform(s) // a node that does not answer will be told with what comes next, as below
		d.renegotiate(s)
		return
	}
	p := d.own(d.publishers[d.me()])
	d.repeat(p)
	for _, s := range d.watchers() {
		if s.Peer != nil && s.watches(p.handle) {
			_ = d.inform(d.ownSubscriber(s))
		}
	}
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

// notMoved is the word of, or about, a node that was to take the handle's peer over and does not: the peer is still where it
// was. If it is not, or that cannot be known, the endpoint is told that it has ended.
func (d *draft) notMoved(news *busv1.PeerEvent) {
	peer, last := d.current()
	if peer == nil || peer.Next == "" || peer.Generation != news.GetGeneration() || peer.Next != news.GetNodeId() {
		return
	}
	lost := news.GetNotMoved().GetLost()
	if !lost {
		_, ok, err := d.call(d.me(), peer, d.anything(peer))
		if !ok {
			return
		}
		switch fault.Of(err) {
		case fault.NodeUnavailable, fault.TooBusy: // it is not known; whoever says this asks again
			d.Failure = err
			return
		case fault.NoSuchPeer:
			lost = true
		}
	}
	if lost {
		d.Close(d.me(), peer, "", true)
		reason := lostOnTheWay
		if closed := news.GetClosed(); closed != nil {
			reason = closed.GetReason()
		}
		d.closed(d.publishers[d.me()], d.subscribers[d.me()], peer, last, peer.Generation, reason)
		return
	}
	peer = d.ownPeer()
	d.Lost = append(d.Lost, key(d.me(), &plugin.Peer{Node: peer.Next, Generation: peer.Generation}))
	peer.Next = ""
	peer.Told++
	if s := d.subscribers[d.me()]; s != nil {
		d.renegotiate(d.ownSubscriber(s))
	}
}

// anything is a request that changes nothing, for which a node has to have the peer.
func (d *draft) anything(peer *plugin.Peer) proto.Message {
	if s := d.subscribers[d.me()]; s != nil {
		return d.subscription(s, peer.Node)
	}
	return &mediav1.UpdatePublisherRequest{Peer: peerID(d.me(), peer)}
}
