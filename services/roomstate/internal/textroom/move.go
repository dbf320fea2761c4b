package textroom

import (
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Moves is of plugin.Moving.
func (*Plugin) Moves() {}

// host is of moving.Host.
type host struct{ *handleDraft }

// Peer is of moving.Host, as is all that follows.
func (h host) Peer() (*plugin.Peer, uint32) { return h.handleDraft.Peer, h.Generation }

func (h host) OwnPeer() *plugin.Peer {
	h.changed = true
	return h.handleDraft.Peer
}

// Stays: an open offer goes along from a dead node.
func (h host) Stays(dead bool) string {
	if h.Offered && !dead {
		return "An offer waits for its answer"
	}
	return ""
}

func (h host) Place() ([]string, plugin.Load) { return nil, plugin.Load{} }

func (h host) Prepare(string) bool { return true }

func (h host) Section() (mid string, index uint32) { return "0", 0 }

// Moved: the text rooms that the handle is in hear of it by Turn.Follow.
func (h host) Moved() {}

func (h host) Stayed() {}

func (h host) Anything(peer *plugin.Peer) proto.Message {
	return &mediav1.UpdateSubscriberRequest{Peer: h.peerID(peer)}
}

func (h host) Closed(_ *plugin.Peer, _, generation uint32, reason string) {
	h.closed(generation, reason)
}

// follow notes on which node a member's peer is now. What was sent to the one before in the meantime is lost.
func (d *draft) follow(news *busv1.PeerEvent) {
	m, ok := d.members[d.me()]
	at := news.GetMoved().GetAtMs()
	if !ok || m.Generation != news.GetGeneration() || m.Moved >= at {
		return
	}
	m.Node, m.Moved = news.GetNode(), at
	d.put(d.me(), m)
}
