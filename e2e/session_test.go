//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// TestSilentSessionTimesOut says nothing for longer than a session may be silent: standalone's store runs in real time.
func TestSilentSessionTimesOut(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t, "--session-timeout", "2s")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	heard := make(chan janus.Message, 10)
	conn, err := janus.Dial(ctx, s.URL, func(m janus.Message) { heard <- m })
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	session, err := conn.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	select {
	case m := <-heard:
		if took := time.Since(began); m.Janus != "timeout" || m.SessionID != session || took < 2*time.Second {
			t.Errorf("heard %s after %v", m.Raw, took)
		}
	case <-ctx.Done():
		t.Fatal("no timeout")
	}
	if _, err := conn.Attach(ctx, session, "janus.plugin.echotest"); err == nil || err.Error()[:3] != "458" {
		t.Errorf("attach gave %v", err)
	}
}

// TestLostSocketIsReclaimed breaks a socket, claims its session on another one and finds its handle alive.
func TestLostSocketIsReclaimed(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t, "--reclaim-session-timeout", "5s")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, session, handle := attach(ctx, t, s.URL, "janus.plugin.videoroom")
	_ = conn.Close()
	again, err := janus.Dial(ctx, s.URL, func(janus.Message) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Request(ctx, janus.Object{"janus": "claim", "session_id": session}); err != nil {
		t.Fatal(err)
	}
	must(ctx, t, again, session, handle, janus.Object{"request": "exists", "room": 1234})

	// Without a claim it ends.
	_ = again.Close()
	time.Sleep(8 * time.Second)
	late, err := janus.Dial(ctx, s.URL, func(janus.Message) {})
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if _, err := late.Request(ctx, janus.Object{"janus": "claim", "session_id": session}); err == nil || err.Error()[:3] != "458" {
		t.Errorf("claim gave %v", err)
	}
}

// TestClaimsLoseAndRepeatNothing has a session claimed from socket to socket, on its own edge and on the other, while
// events come: each is heard once.
func TestClaimsLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	const claims, joins = 60, 90
	a := cluster.StartApart(t, "--reclaim-session-timeout", "30s")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	other, otherSession, otherHandle := attach(ctx, t, a.URLs[0], "janus.plugin.videoroom")
	must(ctx, t, other, otherSession, otherHandle, janus.Object{"request": "create", "room": 7100, "notify_joining": true})

	var mu sync.Mutex
	heard := map[uint64]int{}
	hear := func(m janus.Message) {
		var data struct {
			Joining *struct{ ID uint64 }
		}
		if json.Unmarshal(m.Plugin.Data, &data) == nil && data.Joining != nil {
			mu.Lock()
			heard[data.Joining.ID]++
			mu.Unlock()
		}
	}
	conn, err := janus.Dial(ctx, a.URLs[0], hear)
	if err != nil {
		t.Fatal(err)
	}
	session, err := conn.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := conn.Attach(ctx, session, "janus.plugin.videoroom")
	if err != nil {
		t.Fatal(err)
	}
	must(ctx, t, conn, session, handle, janus.Object{"request": "join", "ptype": "publisher", "room": 7100, "id": 1})

	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range joins {
			joining, err := other.Attach(ctx, otherSession, "janus.plugin.videoroom")
			if err == nil {
				body := janus.Object{"request": "join", "ptype": "publisher", "room": 7100, "id": 1000 + i}
				_, err = other.Message(ctx, otherSession, joining, body, nil)
			}
			if err != nil {
				t.Errorf("join %d: %v", i, err)
				return
			}
		}
	})
	for i := range claims {
		next, err := janus.Dial(ctx, a.URLs[i/2%2], hear)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := next.Request(ctx, janus.Object{"janus": "claim", "session_id": session}); err != nil {
			t.Fatalf("claim %d: %v", i, err)
		}
		old := conn
		wg.Go(func() { time.Sleep(100 * time.Millisecond); _ = old.Close() }) // when it has read what was sent to it
		conn = next
		time.Sleep(time.Duration(i%5) * 10 * time.Millisecond)
	}
	wg.Wait()
	must(ctx, t, conn, session, handle, janus.Object{"request": "listparticipants", "room": 7100})
	deadline := time.Now().Add(5 * time.Second)
	complete := func() bool { mu.Lock(); defer mu.Unlock(); return len(heard) == joins }
	for !complete() && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	_ = conn.Close()
	mu.Lock()
	defer mu.Unlock()
	for id := uint64(1000); id < 1000+joins; id++ {
		if heard[id] != 1 {
			t.Errorf("the joining of %d was heard %d times", id, heard[id])
		}
	}
}
