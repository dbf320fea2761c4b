package nodes

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// list is a directory in memory.
type list map[string]string

func (l list) KnowNode(_ context.Context, node, address string) error { l[node] = address; return nil }
func (l list) Nodes(context.Context) (map[string]string, error)       { return l, nil }
func (l list) ForgetNode(_ context.Context, node string) error        { delete(l, node); return nil }

// fakeBus answers as long as it does not stand still.
type fakeBus struct {
	connected bool
	still     func() bool
}

func (b *fakeBus) IsConnected() bool { return b.connected }

func (b *fakeBus) FlushWithContext(context.Context) error {
	if b.still != nil && b.still() {
		return context.DeadlineExceeded
	}
	return nil
}

func registry(t *testing.T, connected bool) *Registry {
	t.Helper()
	r := New(list{}, &fakeBus{connected: connected}, slog.New(slog.DiscardHandler))
	t.Cleanup(r.Close)
	return r
}

func beat(id, address string, load uint64) *busv1.NodeStatus {
	return &busv1.NodeStatus{Id: id, Name: id, GrpcAddress: address, PacketsPerSecond: load}
}

// healthy answers health checks, and returns where.
func healthy(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	healthv1.RegisterHealthServer(s, health.NewServer())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Stop(); wg.Wait() })
	return l.Addr().String()
}

func TestPlacementShunsTheBusyAndTheDraining(t *testing.T) {
	r := registry(t, true)
	now := time.Now()
	r.Heard(beat("idle", "a", 0), now)
	r.Heard(beat("busy", "b", 1_000_000), now)
	draining := beat("draining", "c", 0)
	draining.Draining = true
	r.Heard(draining, now)
	r.Heard(beat("silent", "d", 0), now.Add(-freshness))
	got := map[string]int{}
	for range 200 {
		node, err := r.Place(t.Context(), plugin.Question{Load: plugin.AudioLoad})
		if err != nil {
			t.Fatal(err)
		}
		got[node]++
	}
	if len(got) != 1 || got["idle"] != 200 {
		t.Errorf("placed %v", got)
	}
}

func TestReservationsCountUntilABeatShowsThem(t *testing.T) {
	r := registry(t, true)
	r.Heard(beat("a", "a", 0), time.Now())
	r.Heard(beat("b", "b", 0), time.Now())
	got := map[string]int{}
	for range 100 {
		node, err := r.Place(t.Context(), plugin.Question{Load: plugin.VideoLoad})
		if err != nil {
			t.Fatal(err)
		}
		got[node]++
	}
	if diff := got["a"] - got["b"]; diff < -1 || diff > 1 {
		t.Errorf("placed %v", got)
	}
}

func TestNoNodeIsUnavailable(t *testing.T) {
	r := registry(t, true)
	if _, err := r.Place(t.Context(), plugin.Question{}); fault.Of(err) != fault.NodeUnavailable {
		t.Errorf("got %v", err)
	}
	if _, err := r.Call(t.Context(), "x", &mediav1.ClosePeerRequest{}); fault.Of(err) != fault.NodeUnavailable {
		t.Errorf("got %v", err)
	}
}

// deadOf returns the dead nodes.
func deadOf(t *testing.T, r *Registry) []string {
	t.Helper()
	var mu sync.Mutex
	var dead []string
	r.lookFor(t.Context(), func(id string) {
		mu.Lock()
		defer mu.Unlock()
		dead = append(dead, id)
	})
	return dead
}

func TestDeadIsWhoNeitherBeatsNorAnswers(t *testing.T) {
	alive, past := healthy(t), time.Now().Add(-2*silence)
	r := registry(t, true)
	r.Heard(beat("quiet", alive, 0), past)
	r.Heard(beat("gone", "127.0.0.1:1", 0), past)
	r.Heard(beat("fresh", "127.0.0.1:2", 0), time.Now())
	if dead := deadOf(t, r); !slices.Equal(dead, []string{"gone"}) {
		t.Errorf("dead: %v", dead)
	}
	if r.Alive("gone") || !r.Alive("quiet") || !r.Alive("fresh") {
		t.Error("alive is another matter")
	}
	// A new process at the old one's address answers in its place.
	r.Heard(beat("new", alive, 0), time.Now())
	if dead := deadOf(t, r); !slices.Contains(dead, "quiet") || slices.Contains(dead, "new") {
		t.Errorf("dead: %v", dead)
	}
}

func TestNobodyDiesWhileTheBusIsAway(t *testing.T) {
	r := registry(t, false)
	r.Heard(beat("gone", "127.0.0.1:1", 0), time.Now().Add(-2*silence))
	if dead := deadOf(t, r); len(dead) != 0 {
		t.Errorf("dead: %v", dead)
	}
}

// A bus that is stopped looks connected until some pings were in vain.
func TestNobodyDiesWhileTheBusStandsStill(t *testing.T) {
	asked := 0
	for name, still := range map[string]func() bool{
		"all the time":         func() bool { return true },
		"until it is asked":    func() bool { asked++; return asked == 1 },
		"once it is asked":     func() bool { asked++; return asked > 1 },
		"where nobody listens": func() bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			asked = 0
			r := New(list{}, &fakeBus{connected: true, still: still}, slog.New(slog.DiscardHandler))
			t.Cleanup(r.Close)
			silent := 2 * silence
			if name == "where nobody listens" {
				silent = (brief + silence) / 2
			}
			r.Heard(beat("gone", "127.0.0.1:1", 0), time.Now().Add(-silent))
			if dead := deadOf(t, r); len(dead) != 0 {
				t.Errorf("dead: %v", dead)
			}
		})
	}
}

func TestEveryNodeMayBeThereBeforeAnythingIsKnown(t *testing.T) {
	r := registry(t, true)
	if !r.Alive("x") {
		t.Error("dead before the directory was read")
	}
	r.Learn(t.Context())
	if r.Alive("x") {
		t.Error("alive though no one knows it")
	}
}

// TestBurialsDoNotWaitForEachOther has many nodes die at once, one of which neither answers nor refuses: the others are buried
// while it is still asked.
func TestBurialsDoNotWaitForEachOther(t *testing.T) {
	hung, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hung.Close() }()
	r := registry(t, true)
	past := time.Now().Add(-2 * silence)
	const others = 30
	for i := range others {
		r.Heard(beat(fmt.Sprint("gone ", i), "127.0.0.1:1", 0), past)
	}
	for i := range 10 {
		r.Heard(beat(fmt.Sprint("hung ", i), hung.Addr().String(), 0), past)
	}
	var mu sync.Mutex
	var order []string
	r.lookFor(t.Context(), func(id string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, id)
	})
	if len(order) != others+10 {
		t.Fatalf("dead: %v", order)
	}
	for _, id := range order[:others] {
		if strings.HasPrefix(id, "hung") {
			t.Fatalf("they wait for %s: %v", id, order)
		}
	}
}
