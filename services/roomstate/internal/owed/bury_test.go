package owed

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

var peer = plugin.PeerKey{Node: "dead", Handle: plugin.HandleID{Session: 1, Handle: 2}, Generation: 3}

// world is a dead node with one peer, and its keeper, which says err for so long.
type world struct {
	err    error
	alive  bool
	deaths uint64
	verbs  []string // of commands
}

func (*world) PeersOn(context.Context, string) ([]plugin.PeerKey, error) {
	return []plugin.PeerKey{peer}, nil
}
func (*world) ForgetPeer(context.Context, plugin.PeerKey) error { return nil }
func (*world) FenceNode(context.Context, string) (store.Keeper, error) {
	return store.Keeper{Node: "keeper", Change: 1}, nil
}
func (w *world) Deaths() uint64                     { return w.deaths }
func (w *world) Alive(string) bool                  { return w.alive }
func (*world) Keeper(string) (string, uint64, bool) { return "", 0, false }
func (w *world) Call(context.Context, string, proto.Message) (proto.Message, error) {
	if w.err != nil {
		return nil, w.err
	}
	return &mediav1.FenceResponse{Kept: []*mediav1.PeerID{{SessionId: 1, HandleId: 2, Generation: 3}}}, nil
}

func (w *world) Do(_ context.Context, _ string, cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
	verb := "closed"
	if cmd.GetMove() != nil {
		verb = "move"
	}
	w.verbs = append(w.verbs, verb)
	return &busv1.Reply{}, nil
}

func TestAKeeperThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		alive bool
		ago   time.Duration // that it was asked first
		want  string        // what becomes of the peer
	}{
		"is busy":              {fault.New(fault.NodeUnavailable, errors.New("no answer")), true, 0, ""},
		"fails in another way": {errors.New("no answer"), true, 0, ""},
		"is dead":              {errors.New("no answer"), false, 0, "closed"},
		"keeps nothing":        {fault.New(fault.WrongState, nil), true, 0, "closed"},
		"is busy for too long": {errors.New("no answer"), true, fenceFor, "closed"},
	} {
		w := &world{err: c.err, alive: c.alive}
		b := &Burial{Store: w, Nodes: w, Requests: w, Log: slog.New(slog.DiscardHandler)}
		if c.ago > 0 {
			b.asked = map[string]time.Time{"dead": time.Now().Add(-c.ago)}
		}
		if done, err := b.Bury(t.Context(), "dead"); err != nil || done != (c.want != "") {
			t.Errorf("who %s: %t, %v", name, done, err)
		}
		if c.want != "" {
			if len(w.verbs) != 1 || w.verbs[0] != c.want {
				t.Errorf("who %s: %v", name, w.verbs)
			}
			continue
		}
		w.err = nil
		if done, err := b.Bury(t.Context(), "dead"); err != nil || done || len(w.verbs) != 1 || w.verbs[0] != "move" {
			t.Errorf("who %s, and then answers: %t, %v, %v", name, done, err, w.verbs)
		}
	}
}

// TestAnEndpointHasItsTimeFromWhenItIsTold has a peer for which no node is found at first, and whose node dies then.
func TestAnEndpointHasItsTimeFromWhenItIsTold(t *testing.T) {
	at := time.Now()
	r := &rescue{until: at.Add(rescueAll), kept: map[plugin.PeerKey]*attempt{peer: {}}}
	after := func(d time.Duration, deaths uint64, wantNumber int, wantMay bool) {
		t.Helper()
		if number, due, may := r.next(peer, at.Add(d), deaths); number != wantNumber || due != (wantNumber > 0) || may != wantMay {
			t.Fatalf("after %v: number %d, %t, %t", d, number, due, may)
		}
	}
	told := 2 * rescueTime
	after(0, 1, 1, true)
	after(0, 1, 0, true)
	after(told, 1, 2, true)
	r.begun(peer, at.Add(told), 1)
	after(told+2*rescueAgain, 1, 0, true)
	after(told+2*rescueAgain, 2, 3, true)
	r.begun(peer, at.Add(told+2*rescueAgain), 2)
	after(told+rescueTime, 2, 0, true)
	after(told+rescueTime+1, 2, 0, false) // another node does not make it longer
	r.kept[peer] = &attempt{}
	after(rescueAll+1, 2, 0, false)
}

func TestAPeerOnItsWayIsMovedAgainOnlyAfterAnotherDeath(t *testing.T) {
	w := &world{alive: true}
	b := &Burial{Store: w, Nodes: w, Requests: w, Log: slog.New(slog.DiscardHandler)}
	for _, want := range []int{1, 1, 2, 2} {
		if want == 2 {
			w.deaths = 1
		}
		if done, err := b.Bury(t.Context(), "dead"); done || err != nil {
			t.Fatal(done, err)
		}
		if len(w.verbs) != want {
			t.Errorf("%v, not %d", w.verbs, want)
		}
		b.rescues["dead"].kept[peer].next = time.Time{}
	}
}
