package roomstate_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// fakeKeeper keeps peers of another node, of which it knows no more than that.
type fakeKeeper struct {
	mediav1.UnimplementedKeepersServer
	mu     sync.Mutex
	owner  string
	change uint64
	peers  []*mediav1.PeerID
	fenced int // times
}

func (k *fakeKeeper) Fence(_ context.Context, r *mediav1.FenceRequest) (*mediav1.FenceResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fenced++
	if r.GetOwner() != k.owner || r.GetChange() != k.change {
		return &mediav1.FenceResponse{}, nil
	}
	return &mediav1.FenceResponse{Kept: k.peers}, nil
}

// keepFor has the keeper keep what a node has, but for the peers of some handles, and both know it.
func (n *fakeNode) keepFor(t *testing.T, e *edge, owner *fakeNode, but ...uint64) {
	t.Helper()
	if _, err := e.admin(0, "keep_node", `{"node":"`+owner.id+`","keeper":"`+n.id+`","change":3}`); err != nil {
		t.Fatal(err)
	}
	owner.keeper.Store(&mediav1.KeepRequest{Keeper: n.id, Change: 3})
	n.kept.mu.Lock()
	defer n.kept.mu.Unlock()
	n.kept.owner, n.kept.change = owner.id, 3
	owner.mu.Lock()
	defer owner.mu.Unlock()
	for _, p := range owner.peers {
		if !slices.Contains(but, p.GetHandleId()) {
			n.kept.peers = append(n.kept.peers, p)
		}
	}
	owner.awaitBeats(t)
}

// awaitBeats waits until the node has said what is so now.
func (n *fakeNode) awaitBeats(t *testing.T) {
	t.Helper()
	heard := n.beats.Load() + 3
	eventually(t, "no beat", func() bool { return n.beats.Load() >= heard })
}

// takeKept has the endpoint follow at once, if endpoints do.
func (n *fakeNode) takeKept(r *mediav1.TakePeerRequest) (*mediav1.TakePeerResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shunned {
		return &mediav1.TakePeerResponse{Candidates: []string{"1 1 udp 9 192.0.2.7 10000 typ host"}}, nil
	}
	if r.GetOwner() == "" || r.GetFrom() != "" {
		return nil, fault.ToStatus(fault.New(fault.WrongState, nil))
	}
	n.peers[peerName(r.GetPeer())] = r.GetPeer()
	n.rescued = append(n.rescued, peerName(r.GetPeer())+" of "+r.GetOwner()+" by "+r.GetKeeper())
	n.wg.Go(func() {
		n.say(r.GetPeer(), &busv1.PeerEvent{Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{}}})
	})
	return &mediav1.TakePeerResponse{Candidates: []string{"1 1 udp 9 192.0.2.7 10000 typ host"}}, nil
}

// callOn is a publisher and two subscribers, all on one node.
func callOn(t *testing.T, e *edge, node *fakeNode) (pub, sub, other *handle) {
	t.Helper()
	pub, sub, other = e.session().attach(videoRoom), e.session().attach(videoRoom), e.session().attach(videoRoom)
	pub.send(`{"request":"create","room":1}`)
	pub.send(`{"request":"join","room":1,"ptype":"publisher","id":77}`)
	pub.send(`{"request":"publish"}`, "offer", "audio:opus video:vp8")
	node.up(pub.id)
	pub.wait(func(e *busv1.Event) bool { return e.GetWebrtcUp() != nil })
	for _, h := range []*handle{sub, other} {
		h.send(`{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":77}]}`)
		h.send(`{"request":"start"}`, "answer", "fine")
		node.up(h.id)
		h.wait(func(e *busv1.Event) bool { return e.GetWebrtcUp() != nil })
	}
	return pub, sub, other
}

// offeredAnew waits until a subscriber is offered another connection, and is not hung up before.
func (h *handle) offeredAnew() {
	h.t.Helper()
	got := h.wait(func(e *busv1.Event) bool {
		return e.GetTransaction() == "" && e.GetPlugin().GetJsep().GetType() == "offer" || e.GetHangup() != nil
	})
	if got.GetHangup() != nil {
		h.t.Errorf("handle %d: %v", h.id, got)
	}
}

// TestPeersOfADeadNodeGoOnFromWhatIsKept kills a node of whose three peers two are kept by another: these go on, and only the
// third, which subscribes, has to take another connection.
func TestPeersOfADeadNodeGoOnFromWhatIsKept(t *testing.T) {
	c := startCluster(t, 2)
	first := startNode(t, c.conn, "node-1")
	e := c.edge()
	pub, sub, other := callOn(t, e, first)
	second := startNode(t, c.conn, "node-2")
	eventually(t, "the second node is not known", func() bool { return e.listed("node-2") != nil })
	second.keepFor(t, e, first, other.id)
	was := first.has()
	first.stop()

	eventually(t, "the peers are not on the other node", func() bool {
		on1, _ := c.peersOn("node-1")
		on2, _ := c.peersOn("node-2")
		return len(on1) == 0 && len(on2) == 3
	})
	for _, h := range []*handle{pub, sub} {
		got := h.wait(func(e *busv1.Event) bool { return e.GetCandidate() != nil || e.GetHangup() != nil })
		if got.GetCandidate().GetCandidate() != "candidate:1 1 udp 9 192.0.2.7 10000 typ host" {
			t.Errorf("handle %d: %v", h.id, got)
		}
	}
	other.offeredAnew()
	if there := slices.DeleteFunc(second.has(), func(peer string) bool { return slices.Contains(was, peer) }); len(there) != 1 {
		t.Errorf("these were not on the first node: %v", there)
	}
	second.mu.Lock()
	defer second.mu.Unlock()
	for _, r := range second.rescued {
		if !strings.HasSuffix(r, " of node-1 by "+second.address) {
			t.Error(r)
		}
	}
	if _, err := e.admin(0, "keep_node", `{"node":"node-1","keeper":"node-2","change":4}`); fault.Of(err) != fault.WrongState {
		t.Errorf("a dead node may have its peers kept: %v", err)
	}
}

// TestWhatIsKeptIsNotUsedInDoubt has a node say another keeper than has been noted: what that has may be too old.
func TestWhatIsKeptIsNotUsedInDoubt(t *testing.T) {
	c := startCluster(t, 1)
	first := startNode(t, c.conn, "node-1")
	e := c.edge()
	pub, sub, _ := callOn(t, e, first)
	second := startNode(t, c.conn, "node-2")
	eventually(t, "the second node is not known", func() bool { return e.listed("node-2") != nil })
	second.keepFor(t, e, first)
	first.keeper.Store(&mediav1.KeepRequest{Keeper: second.id, Change: 4})
	first.awaitBeats(t)
	first.stop()
	pub.wait(func(e *busv1.Event) bool { return e.GetHangup().GetReason() == "ICE failed" })
	sub.offeredAnew()
	second.mu.Lock()
	defer second.mu.Unlock()
	if len(second.rescued) != 0 {
		t.Errorf("taken over: %v", second.rescued)
	}
}

// TestEndpointsThatDoNotFollowAreHungUp has peers taken over whose endpoints do not come; those that subscribe are offered others.
func TestEndpointsThatDoNotFollowAreHungUp(t *testing.T) {
	c := startCluster(t, 1)
	first := startNode(t, c.conn, "node-1")
	e := c.edge()
	pub, sub, other := callOn(t, e, first)
	second := startNode(t, c.conn, "node-2")
	second.mu.Lock()
	second.shunned = true
	second.mu.Unlock()
	eventually(t, "the second node is not known", func() bool { return e.listed("node-2") != nil })
	second.keepFor(t, e, first)
	first.stop()
	pub.wait(func(e *busv1.Event) bool { return e.GetCandidate() != nil })
	eventually(t, "nobody is told", func() bool {
		return slices.ContainsFunc(pub.session.all(), func(e *busv1.Event) bool { return e.GetHangup().GetReason() == "ICE failed" })
	})
	sub.offeredAnew()
	other.offeredAnew()
	eventually(t, "peers are left", func() bool {
		on1, _ := c.peersOn("node-1")
		on2, _ := c.peersOn("node-2")
		return len(on1) == 0 && len(on2) == 2
	})
}

func TestKeepersAreNotedInTheOrderOfTheirChanges(t *testing.T) {
	c := startCluster(t, 1)
	e := c.edge()
	say := func(parameters string) error {
		_, err := e.admin(0, "keep_node", parameters)
		return err
	}
	for _, p := range []string{`{"node":"a","keeper":"b","change":1}`, `{"node":"a","keeper":"c","change":2}`, `{"node":"a","keeper":"b","change":1}`} {
		if err := say(p); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{`{"keeper":"b","change":1}`, `{"node":"a","keeper":"b"}`, `{"node":7}`, `[]`} {
		if !json.Valid([]byte(p)) || fault.Of(say(p)) != fault.BadRequest {
			t.Errorf("%s: %v", p, say(p))
		}
	}
}
