package videocall

import (
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Moves is of plugin.Moving.
func (*Plugin) Moves() {}

// host is of moving.Host. The parties of a call move one by one, to the same node if it has room.
type host struct{ *draft }

// Peer is of moving.Host, as is all that follows.
func (h host) Peer() (*plugin.Peer, uint32) {
	u := h.user(h.me())
	return u.Peer, u.Generation
}

func (h host) OwnPeer() *plugin.Peer { return h.ownPeer(h.me()) }

func (h host) Stays(bool) string {
	if in := h.user(h.me()).Call; !in.Accepted || in.Asked || h.otherAsked() {
		return "An offer waits for its answer"
	}
	return ""
}

func (h host) otherAsked() bool {
	other, ok := h.other(h.user(h.me()))
	return ok && h.user(other).Call.Asked
}

// Place: the other party has gone there already, is on its way, or follows.
func (h host) Place() ([]string, plugin.Load) {
	u := h.user(h.me())
	var load plugin.Load
	for _, s := range u.Call.Sections {
		switch s.Kind {
		case mediav1.Kind_KIND_AUDIO:
			load = load.Plus(plugin.AudioLoad.Times(2)) // there and back
		case mediav1.Kind_KIND_VIDEO:
			load = load.Plus(plugin.VideoLoad.Times(2))
		}
	}
	var near []string
	if other, ok := h.other(u); ok {
		if peer := h.user(other).Peer; peer.Next != "" {
			near = append(near, peer.Next)
		} else if peer.Node != u.Peer.Node {
			near = append(near, peer.Node)
		}
	}
	return near, load
}

func (h host) Prepare(node string) bool {
	u := h.user(h.me())
	_, ok := h.Ask(plugin.Question{Node: node, Handle: h.me(), Told: u.Peer.Told, Request: h.gets(h.me(), node)})
	return ok
}

func (h host) Section() (mid string, index uint32) {
	for _, s := range h.user(h.me()).Call.Sections {
		return s.MID, s.Index
	}
	return "", 0
}

// Moved tells both nodes where it is that the parties get what from. A node that does not answer will be told with what comes next.
func (h host) Moved() {
	u := h.user(h.me())
	h.inform(h.me(), h.sends(h.me()))
	h.inform(h.me(), h.gets(h.me(), u.Peer.Node))
	if other, ok := h.other(u); ok {
		h.inform(other, h.gets(other, h.user(other).Peer.Node))
	}
}

func (h host) inform(id plugin.HandleID, request proto.Message) {
	peer := h.user(id).Peer
	got, ok := h.Ask(plugin.Question{Node: peer.Node, Handle: id, Told: peer.Told, Request: request})
	if ok && got.Err == nil {
		h.ownPeer(id).Told++
	}
}

func (h host) Stayed() {}

func (h host) Anything(peer *plugin.Peer) proto.Message {
	return &mediav1.UpdatePublisherRequest{Peer: peerID(h.me(), peer)}
}

func (h host) Closed(_ *plugin.Peer, _, _ uint32, reason string) { h.end(h.me(), reason) }

// ownPeer returns a user's peer to be changed. There is one.
func (d *draft) ownPeer(id plugin.HandleID) *plugin.Peer {
	u := d.user(id)
	peer := *u.Peer
	u.Peer = &peer
	d.put(id, u)
	return &peer
}

// apart fails as long as two peers are not on the same node, since one of them is on its way: they cannot negotiate then.
func apart(one, other *plugin.Peer) error {
	if one.Node == other.Node && one.Next == "" && other.Next == "" {
		return nil
	}
	return fault.Newf(fault.NodeUnavailable, "The call is moving to another media node")
}
