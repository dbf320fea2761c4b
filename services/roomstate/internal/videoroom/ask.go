package videoroom

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// newPeer is a handle's next, near those nodes if they have room for the load: of the generation after the last, and after any
// that came to nothing. It is nil without an error if it is not known yet.
func (d *draft) newPeer(h plugin.HandleID, last uint32, near []string, load plugin.Load) (*plugin.Peer, error) {
	node, placed, err := d.place(near, load)
	answer, known := d.Ask(plugin.Question{Spent: true, Handle: h})
	if err == nil {
		err = answer.Err
	}
	if !placed || !known || err != nil {
		return nil, err
	}
	return &plugin.Peer{Node: node, Generation: max(last, answer.Spent) + 1}, nil
}

// parted notes that a peer is on no node any more.
func (d *draft) parted(h plugin.HandleID, peer *plugin.Peer) {
	d.Lost = append(d.Lost, key(h, peer))
	if peer.Next != "" {
		d.Lost = append(d.Lost, key(h, &plugin.Peer{Node: peer.Next, Generation: peer.Generation}))
	}
}

// call asks a handle's node about its peer. The answer is not known yet if ok is false.
func (d *draft) call(h plugin.HandleID, peer *plugin.Peer, request proto.Message) (response proto.Message, ok bool, err error) {
	answer, ok := d.Ask(plugin.Question{Node: peer.Node, Handle: h, Told: peer.Told, Request: request})
	if !ok {
		return nil, false, nil
	}
	return answer.Response, true, answer.Err
}

func peerID(h plugin.HandleID, peer *plugin.Peer) *mediav1.PeerID {
	return &mediav1.PeerID{SessionId: h.Session, HandleId: h.Handle, Generation: peer.Generation}
}

func key(h plugin.HandleID, peer *plugin.Peer) plugin.PeerKey {
	return plugin.PeerKey{Node: peer.Node, Handle: h, Generation: peer.Generation}
}

// feedName is under which a node keeps what a peer publishes.
func (r *Room) feedName(h plugin.HandleID, generation uint32) string {
	return fmt.Sprintf("%s#%s#%d", r.name, h, generation)
}

// unserved is what an endpoint is told of a node that did not do its part. A node that has lost the peer, or cannot
// be reached, is the core's matter; the plugin's words are for requests that have been acknowledged.
func unserved(err error) *failure {
	switch fault.Of(err) {
	case fault.NoSuchPeer:
		return fail(errUnknown, "PeerConnection is gone")
	case fault.NoSuchFeed:
		return fail(errNoSuchFeed, "No such feed")
	case fault.NodeUnavailable:
		if text := fault.Text(err); text != "" {
			return fail(errUnknown, "%s", text)
		}
	}
	return fail(errUnknown, "No media node can do this at the moment")
}
