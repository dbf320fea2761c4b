// Package moving has the peers of handles go on with other nodes, whatever the plugin: as administrators ask, as nodes are drained, and
// from what is kept of a dead one's. Rules call it in their turns (ADR 18).
package moving

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Lost is what an endpoint is told whose peer two nodes have lost between them.
const Lost = "ICE failed"

// Host is a rule, with what it knows of the PeerConnection of the command's handle.
type Host interface {
	// Peer is the handle's, nil for none, and the generation of its last.
	Peer() (peer *plugin.Peer, last uint32)
	// OwnPeer returns the peer to be changed. There is one.
	OwnPeer() *plugin.Peer
	// Stays says why the peer, which is up, has to stay where it is; empty if it need not. dead says that its node is.
	Stays(dead bool) string
	// Place says where it had best go, and what it takes there.
	Place() (near []string, load plugin.Load)
	// Prepare tells the node that is to have it what it has to know before the endpoint comes, beside the peer's value. It returns
	// false if the turn has ended. What the node does not take now it is told when it has the peer.
	Prepare(node string) bool
	// Section is the m= section that carries the transport of all.
	Section() (mid string, index uint32)
	// Moved is for a peer that is on another node now: that one is told all that may have been said to the one before since it gave the
	// peer's value, and whoever else has to know is told as well.
	Moved()
	// Stayed is for one that could have moved, and has not.
	Stayed()
	// Anything is a request that changes nothing, for which a node has to have the peer.
	Anything(peer *plugin.Peer) proto.Message
	// Closed ends what the peer carried, which has ended for a reason.
	Closed(peer *plugin.Peer, last, generation uint32, reason string)
}

// ReturnsAfter is how long a browser takes to forget that an address of ours did not answer any more, and somewhat more: until then it is
// slow to go back there (ADR 8).
const ReturnsAfter = 35 * time.Second

// Move has another node take the handle's peer over, and tells the endpoint where that is. The peer is where it was until the
// node says that it has it.
func Move(t *plugin.Turn, h Host) {
	m := t.Command.GetMove()
	peer, _ := h.Peer()
	switch {
	case peer != nil && m.GetFrom() != "" && peer.Node != m.GetFrom():
		return // it has gone already
	case peer != nil && peer.Next != "" && t.Alive(peer.Next):
		return // it is on its way
	}
	dead := m.GetKeeper() != "" // the node that has it
	if why := unmovable(h, peer, dead); why != "" {
		t.Failure = fault.Newf(fault.WrongState, "%s", why)
		return
	}
	to := m.GetTo()
	if to == "" {
		near, load := h.Place()
		placed, ok := t.Ask(plugin.Question{Place: true, Near: near, Not: peer.Node, Avoid: left(t, peer), Load: load})
		if !ok || placed.Err != nil {
			t.Failure = placed.Err
			return
		}
		to = placed.Node
	}
	if to == peer.Node {
		return
	}
	request := &mediav1.TakePeerRequest{Peer: peerID(t, peer), From: peer.Node}
	if dead {
		request.From, request.Keeper, request.Owner = "", m.GetKeeper(), peer.Node
	}
	answer, ok := t.Ask(plugin.Question{Node: to, Handle: me(t), Told: peer.Told, Request: request})
	if !ok {
		return
	}
	if answer.Err != nil {
		t.Failure = answer.Err
		return
	}
	if !h.Prepare(to) {
		return
	}
	peer = h.OwnPeer()
	if peer.Next != "" {
		t.Lost = append(t.Lost, key(t, peer.Next, peer.Generation))
	}
	peer.Next, peer.Saved = to, dead
	t.Made = append(t.Made, key(t, to, peer.Generation))
	taken, _ := answer.Response.(*mediav1.TakePeerResponse)
	mid, index := h.Section()
	for _, candidate := range taken.GetCandidates() {
		t.Emit(me(t), &busv1.Event{OpaqueId: t.Command.Handle.OpaqueID, Kind: &busv1.Event_Candidate{Candidate: &busv1.Candidate{
			Candidate: "candidate:" + candidate, SdpMid: mid, SdpMLineIndex: index,
		}}})
	}
}

func unmovable(h Host, peer *plugin.Peer, dead bool) string {
	switch {
	case peer == nil:
		return "Handle has no PeerConnection"
	case !peer.Up:
		return "PeerConnection is not up"
	}
	return h.Stays(dead)
}

// left are the nodes whose addresses the peer's endpoint would be slow to come back to: the one it is to leave now, and the one before
// that, unless it is long ago.
func left(t *plugin.Turn, peer *plugin.Peer) []string {
	nodes := []string{peer.Node}
	if peer.Was != "" && t.Now.Sub(time.UnixMilli(peer.Left)) < ReturnsAfter {
		nodes = append(nodes, peer.Was)
	}
	return nodes
}

// News takes what a node says of the handle's peer, if that is of its way from node to node: true means that there is no more to it.
func News(t *plugin.Turn, h Host) bool {
	news := t.Command.GetPeer()
	peer, _ := h.Peer()
	switch closed := news.GetClosed() != nil; {
	case news.GetMoved() != nil:
		moved(t, h, news)
	case news.GetNotMoved() != nil, closed && onlyNext(peer, news):
		notMoved(t, h, news)
	case closed && mayHaveLeft(t, peer, news):
		t.Failure = fault.Newf(fault.TooBusy, "The peer is on its way to another node")
	default:
		if closed && peer != nil && peer.Generation == news.GetGeneration() && peer.Next != "" { // it would wait for the endpoint
			t.Close(me(t), &plugin.Peer{Node: peer.Next, Generation: peer.Generation}, "", true)
		}
		return false
	}
	return true
}

// onlyNext tells whether news of the peer are of a node that does not have it: one that was to take it over, or one that it has left.
func onlyNext(peer *plugin.Peer, news *busv1.PeerEvent) bool {
	node := news.GetNodeId()
	return peer != nil && peer.Generation == news.GetGeneration() && node != "" && node != peer.Node
}

// mayHaveLeft tells whether the news are of a dead node that may have let go of the peer before, since another was to take it
// over. That one says Moved or NotMoved; until then the burial is tried again. Of those that are taken from kept values the burial
// itself knows how long to wait.
func mayHaveLeft(t *plugin.Turn, peer *plugin.Peer, news *busv1.PeerEvent) bool {
	return peer != nil && peer.Generation == news.GetGeneration() && peer.Next != "" && !peer.Saved && t.Alive(peer.Next) &&
		news.GetNodeId() == peer.Node && !t.Alive(peer.Node)
}

// moved is the word of a node that has taken the handle's peer over.
func moved(t *plugin.Turn, h Host, news *busv1.PeerEvent) {
	peer, _ := h.Peer()
	node := news.GetNodeId()
	if peer == nil || peer.Generation != news.GetGeneration() {
		t.Close(me(t), &plugin.Peer{Node: node, Generation: news.GetGeneration()}, "", true) // it has ended meanwhile
		return
	}
	if peer.Node == node {
		return
	}
	peer = h.OwnPeer()
	t.Lost = append(t.Lost, key(t, peer.Node, peer.Generation))
	if other := peer.Next; other != "" && other != node {
		t.Lost = append(t.Lost, key(t, other, peer.Generation))
		t.Close(me(t), &plugin.Peer{Node: other, Generation: peer.Generation}, "", true)
	}
	peer.Was, peer.Left = peer.Node, t.Now.UnixMilli()
	peer.Node, peer.Next = node, ""
	t.Made = append(t.Made, key(t, node, peer.Generation))
	t.Follow = &plugin.Follow{Node: news.GetNode(), Generation: peer.Generation, At: peer.Left}
	h.Moved()
}

// notMoved is the word of, or about, a node that was to take the handle's peer over and does not: the peer is still where it
// was. If it is not, or that cannot be known, the endpoint is told that it has ended.
func notMoved(t *plugin.Turn, h Host, news *busv1.PeerEvent) {
	peer, last := h.Peer()
	if peer == nil || peer.Next == "" || peer.Generation != news.GetGeneration() || peer.Next != news.GetNodeId() {
		return
	}
	lost := news.GetNotMoved().GetLost()
	if !lost {
		answer, ok := t.Ask(plugin.Question{Node: peer.Node, Handle: me(t), Told: peer.Told, Request: h.Anything(peer)})
		if !ok {
			return
		}
		switch fault.Of(answer.Err) {
		case fault.NodeUnavailable, fault.TooBusy: // it is not known; whoever says this asks again
			t.Failure = answer.Err
			return
		case fault.NoSuchPeer:
			lost = true
		}
	}
	if lost {
		t.Close(me(t), peer, "", true)
		reason := Lost
		if closed := news.GetClosed(); closed != nil {
			reason = closed.GetReason()
		}
		h.Closed(peer, last, peer.Generation, reason)
		return
	}
	peer = h.OwnPeer()
	t.Lost = append(t.Lost, key(t, peer.Next, peer.Generation))
	peer.Next = ""
	peer.Told++
	h.Stayed()
}

func me(t *plugin.Turn) plugin.HandleID { return t.Command.Handle.ID }

func peerID(t *plugin.Turn, peer *plugin.Peer) *mediav1.PeerID {
	return &mediav1.PeerID{SessionId: me(t).Session, HandleId: me(t).Handle, Generation: peer.Generation}
}

func key(t *plugin.Turn, node string, generation uint32) plugin.PeerKey {
	return plugin.PeerKey{Node: node, Handle: me(t), Generation: generation}
}
