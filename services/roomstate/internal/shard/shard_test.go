package shard

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachShardIsWantedByOne(t *testing.T) {
	alive := []string{"a", "b", "c"}
	seen := map[int]int{}
	for _, replica := range alive {
		mine := wanted(replica, alive, 64)
		if len(mine) < 8 {
			t.Errorf("%s wants only %d of 64", replica, len(mine))
		}
		for _, n := range mine {
			seen[n]++
		}
	}
	for n := range 64 {
		if seen[n] != 1 {
			t.Errorf("shard %d is wanted by %d", n, seen[n])
		}
	}
}

func TestOnlyTheShardsOfTheGoneMove(t *testing.T) {
	before, after := wanted("a", []string{"a", "b", "c"}, 64), wanted("a", []string{"a", "b"}, 64)
	for _, n := range before {
		if !slices.Contains(after, n) {
			t.Errorf("shard %d moved without need", n)
		}
	}
}

// serving is which replica serves each shard, as Take and Drop say.
type serving struct {
	mu sync.Mutex
	by map[int][]string
}

func (s *serving) holder(st *store.Store, replica string) *Holder {
	return &Holder{
		Replica: replica, Shards: 16, Leases: st, Log: slog.New(slog.DiscardHandler),
		Take: func(n int) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.by[n] = append(s.by[n], replica)
			return nil
		},
		Drop: func(n int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.by[n] = slices.DeleteFunc(s.by[n], func(r string) bool { return r == replica })
		},
	}
}

// settled waits until each shard is served by one of replicas.
func (s *serving) settled(t *testing.T, within time.Duration, replicas ...string) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		s.mu.Lock()
		ok := len(s.by) == 16
		for _, by := range s.by {
			ok = ok && len(by) == 1 && slices.Contains(replicas, by[0])
		}
		s.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", within, s.by)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestShardsAreHandedOverWhenAReplicaLeaves(t *testing.T) {
	st, err := store.Open("redis://" + miniredis.RunT(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	s := &serving{by: map[int][]string{}}
	run := func(replica string) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.holder(st, replica).Run(ctx) })
		return func() { cancel(); wg.Wait() }
	}
	stopA := run("a")
	s.settled(t, time.Second, "a")
	stopB := run("b")
	s.settled(t, 3*time.Second, "a", "b")
	stopA()
	s.settled(t, time.Second, "b") // at once, not when the lease has run out
	stopB()
}

func TestLeaseRunsOutWhenTheStoreIsAway(t *testing.T) {
	m := miniredis.RunT(t)
	st, err := store.Open("redis://" + m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	h := (&serving{by: map[int][]string{}}).holder(st, "a")
	h.beat(t.Context())
	if !h.Holds(3) || h.Count() != 16 {
		t.Fatalf("holds %d", h.Count())
	}
	m.SetError("away")
	h.beat(t.Context())
	if !h.Holds(3) {
		t.Error("gave up before its lease ended")
	}
	time.Sleep(hold)
	if h.Holds(3) {
		t.Error("holds beyond its lease")
	}
}

func TestAReplicaThatWasStoppedFindsItsShardsTaken(t *testing.T) {
	st, err := store.Open("redis://" + miniredis.RunT(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	s := &serving{by: map[int][]string{}}
	a, b := s.holder(st, "a"), s.holder(st, "b")
	a.beat(t.Context())
	a.beat(t.Context()) // renews without asking for shards again
	if a.Count() != 16 {
		t.Fatalf("a holds %d", a.Count())
	}
	time.Sleep(hold + 10*time.Millisecond)
	b.beat(t.Context())
	if a.Holds(3) || b.Count() != 16 {
		t.Fatalf("a holds one, or b only %d", b.Count())
	}
	a.beat(t.Context())
	if a.Count() != 0 {
		t.Errorf("a holds %d that are b's", a.Count())
	}
	b.beat(t.Context())
	a.beat(t.Context())
	if a.Count() == 0 || b.Count() == 0 || a.Count()+b.Count() != 16 {
		t.Errorf("a holds %d, b %d", a.Count(), b.Count())
	}
	s.settled(t, time.Second, "a", "b")
}
