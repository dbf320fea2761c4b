//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// TestSilentSessionTimesOut says nothing for longer than a session may be silent: standalone's store runs in real time.
func TestSilentSessionTimesOut(t *testing.T) {
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
