package drain

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is one with peers; it implements what a Worker needs of the store and of sessions.
type node struct {
	*store.Store
	mu    sync.Mutex
	peers map[plugin.PeerKey]bool
	asked map[plugin.HandleID]int
	stuck func(h plugin.HandleID) bool
	most  int // asked for and still there
}

func (n *node) PeersOn(context.Context, string) ([]plugin.PeerKey, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []plugin.PeerKey
	for p := range n.peers {
		all = append(all, p)
	}
	return all, nil
}

func (n *node) Alive(node string) bool { return node == "n1" }

func (n *node) Do(_ context.Context, _ string, cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := plugin.HandleID{Session: cmd.GetSessionId(), Handle: cmd.GetHandleId()}
	n.asked[h]++
	n.most = max(n.most, len(n.asked)-(200-len(n.peers)))
	if m := cmd.GetMove(); m.GetFrom() != "n1" || m.GetTo() != "" {
		return nil, fmt.Errorf("asked for %v", m)
	}
	if n.stuck(h) {
		return nil, fault.Newf(fault.WrongState, "it has to stay")
	}
	return &busv1.Reply{}, nil
}

// arrive takes those who were asked for off the node, as if they had arrived at others.
func (n *node) arrive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := range n.peers {
		if n.asked[p.Handle] > 0 && !n.stuck(p.Handle) {
			delete(n.peers, p)
		}
	}
}

func start(t *testing.T) (*node, *Worker) {
	t.Helper()
	st, err := store.Open("redis://" + miniredis.RunT(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	n := &node{
		Store: st, peers: map[plugin.PeerKey]bool{}, asked: map[plugin.HandleID]int{},
		stuck: func(h plugin.HandleID) bool { return h.Handle == 7 },
	}
	for i := range 200 {
		n.peers[plugin.PeerKey{Node: "n1", Handle: plugin.HandleID{Session: 1, Handle: uint64(i)}, Generation: 1}] = true
	}
	w := &Worker{
		Store: n, Nodes: n, Requests: n, Replica: "r1", Log: slog.New(slog.DiscardHandler),
		tried: map[plugin.PeerKey]attempt{}, over: map[string]time.Time{},
	}
	return n, w
}

func TestAllThatCanMoveIsMoved(t *testing.T) {
	n, w := start(t)
	remote := plugin.PeerKey{Node: "n1", Handle: plugin.HandleID{Handle: 9}, Generation: 1}
	n.peers[remote] = true
	now := time.Now()
	if err := n.SetDrain(t.Context(), "n1", store.Drain{Started: now, Deadline: now.Add(time.Hour), Peers: 200}); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		w.pass(t.Context())
		w.moves.Wait()
		n.arrive()
	}
	if len(n.peers) != 2 || !n.peers[remote] || n.asked[remote.Handle] != 0 {
		t.Errorf("left: %v", n.peers)
	}
	if n.most > atOnce+2 { // with the one that is stuck, and the one that no handle has
		t.Errorf("%d were on their way at once", n.most)
	}
	for h, times := range n.asked {
		if times > 1 && h.Handle != 7 {
			t.Errorf("%v was moved %d times", h, times)
		}
	}
}

func TestThoseThatCannotMoveKeepNobodyWaiting(t *testing.T) {
	n, w := start(t)
	n.stuck = func(h plugin.HandleID) bool { return h.Handle != 199 }
	var peers []plugin.PeerKey // in the same order each time, as the store has them
	for i := range 200 {
		peers = append(peers, plugin.PeerKey{Node: "n1", Handle: plugin.HandleID{Session: 1, Handle: uint64(i)}, Generation: 1})
	}
	now := time.Now()
	for i := range 10 {
		for _, p := range w.next("n1", peers, atOnce, now.Add(time.Duration(i)*2*again)) {
			w.move(t.Context(), p)
		}
	}
	for i := range peers {
		if n.asked[peers[i].Handle] == 0 {
			t.Errorf("%v was never tried", peers[i].Handle)
		}
	}
}

func TestNoMoreThanAFewAreOnTheirWay(t *testing.T) {
	n, w := start(t)
	n.stuck = func(plugin.HandleID) bool { return false }
	peers, err := n.PeersOn(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if first, more := w.next("n1", peers, 100, now), w.next("n1", peers, 100, now); len(first) != atOnce || len(more) != 0 {
		t.Errorf("%d, then %d", len(first), len(more))
	}
	if later := w.next("n1", peers, 100, now.Add(again)); len(later) != atOnce {
		t.Errorf("%d later", len(later))
	}
}

// TestMovesBeginOneAfterAnother is for those whose moves would make each other late.
func TestMovesBeginOneAfterAnother(t *testing.T) {
	n, w := start(t)
	n.stuck = func(plugin.HandleID) bool { return false }
	began := time.Now()
	if err := n.SetDrain(t.Context(), "n1", store.Drain{Started: began, Deadline: began.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	w.pass(t.Context())
	w.moves.Wait()
	took := time.Since(began)
	if moves := len(n.asked); moves == 0 || took < time.Duration(moves-1)*pace {
		t.Errorf("%d moves began within %v", moves, took)
	}
	for _, c := range []struct {
		peers      int
		left, want time.Duration
	}{{200, time.Hour, pace}, {200, 2 * time.Second, 5 * time.Millisecond}, {200, 20 * time.Millisecond, time.Millisecond}} {
		if got := paceOf(c.peers, c.left); got != c.want {
			t.Errorf("%d peers in %v: one each %v, not %v", c.peers, c.left, got, c.want)
		}
	}
}

func TestADrainEndsWithItsDeadlineAndWhenItIsCalledOff(t *testing.T) {
	for name, end := range map[string]func(n *node){
		"deadline": func(n *node) {
			now := time.Now()
			_ = n.SetDrain(t.Context(), "n1", store.Drain{Started: now.Add(-time.Minute), Deadline: now.Add(-time.Second)})
		},
		"called off": func(n *node) { _ = n.EndDrain(t.Context(), "n1") },
		"another replica's": func(n *node) {
			now := time.Now()
			_ = n.SetDrain(t.Context(), "n1", store.Drain{Started: now, Deadline: now.Add(time.Hour)})
			if mine, err := n.HoldDrain(t.Context(), "n1", "r2", time.Hour); err != nil || !mine {
				t.Fatalf("%t, %v", mine, err)
			}
		},
	} {
		n, w := start(t)
		end(n)
		w.pass(t.Context())
		w.moves.Wait()
		if len(n.asked) > 0 {
			t.Errorf("%s: %d are moved", name, len(n.asked))
		}
	}
}

func TestADrainIsForgottenWithItsNode(t *testing.T) {
	n, w := start(t)
	if err := n.SetDrain(t.Context(), "gone", store.Drain{Deadline: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	w.pass(t.Context())
	if drains, err := n.Drains(t.Context()); err != nil || len(drains) > 0 {
		t.Errorf("%v, %v", drains, err)
	}
}

func TestOneReplicaDrainsAtATime(t *testing.T) {
	n, _ := start(t)
	hold := func(replica string) bool {
		mine, err := n.HoldDrain(t.Context(), "n1", replica, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	if !hold("r1") || hold("r2") || !hold("r1") {
		t.Error("held by two, or by none")
	}
}
