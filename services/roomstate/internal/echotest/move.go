package echotest

import (
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Moves is of plugin.Moving.
func (*Plugin) Moves() {}

// host is of moving.Host.
type host struct{ *turn }

// Peer is of moving.Host, as is all that follows.
func (h host) Peer() (*plugin.Peer, uint32) { return h.turn.Peer, h.Generation }

func (h host) OwnPeer() *plugin.Peer {
	h.changed = true
	return h.turn.Peer
}

func (h host) Stays(bool) string { return "" }

func (h host) Place() ([]string, plugin.Load) {
	return nil, plugin.AudioLoad.Plus(plugin.VideoLoad).Times(2) // there and back
}

func (h host) Prepare(string) bool { return true }

func (h host) Section() (mid string, index uint32) { return h.Room.Section.MID, h.Room.Section.Index }

// Moved repeats what was set.
func (h host) Moved() {
	request := &mediav1.UpdatePublisherRequest{Peer: h.peerID(h.turn.Peer), Echo: h.Settings.echo(), BitrateBps: h.Settings.Bitrate}
	got, ok := h.Ask(plugin.Question{Node: h.turn.Peer.Node, Handle: h.me(), Told: h.turn.Peer.Told, Request: request})
	if ok && got.Err == nil {
		h.turn.Peer.Told++
	}
}

func (h host) Stayed() {}

func (h host) Anything(peer *plugin.Peer) proto.Message {
	return &mediav1.UpdatePublisherRequest{Peer: h.peerID(peer)}
}

func (h host) Closed(_ *plugin.Peer, _, _ uint32, reason string) { h.closed(reason) }
