package nodes

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// TestANodeThatDoesNotAnswerGetsNoWork while another does: of two, the one of the lower ordinal beats, but its connections end at once,
// as with a certificate that nobody accepts.
func TestANodeThatDoesNotAnswerGetsNoWork(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = deaf.Close() }()
	wg.Go(func() {
		for {
			conn, err := deaf.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	})
	r := registry(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	where := map[string]string{"media-0": deaf.Addr().String(), "media-1": healthy(t)}
	wg.Go(func() {
		for ctx.Err() == nil {
			for id, address := range where {
				r.Heard(beat(id, address, 0), time.Now())
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	wg.Go(func() { r.Watch(ctx, func(context.Context, string) (bool, error) { return true, nil }) })
	state := func(id string) Known {
		for _, n := range r.List() {
			if n.ID == id {
				return n
			}
		}
		return Known{}
	}
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not in time: %s; %+v", what, r.List())
			}
		}
	}
	placed := func() string {
		t.Helper()
		id, err := r.Place(t.Context(), plugin.Question{})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	await("one is known not to answer", func() bool { return state("media-0").Silent != nil && state("media-1").Takes })
	if id := placed(); id != "media-1" || state("media-0").Takes {
		t.Errorf("placed on %s; %+v", id, r.List())
	}
	if _, err := r.Call(t.Context(), "media-1", &mediav1.ClosePeerRequest{}); err == nil || state("media-1").Silent != nil {
		t.Errorf("a refusal is an answer: %v, %+v", err, r.List())
	}
}

// TestANodeThatDoesNotAnswerIsBetterThanNone: what is the matter may be with this replica.
func TestANodeThatDoesNotAnswerIsBetterThanNone(t *testing.T) {
	r := registry(t, true)
	r.Heard(beat("media-0", "a", 0), time.Now())
	r.answered("media-0", fault.Newf(fault.NodeUnavailable, "no route"))
	if id, err := r.Place(t.Context(), plugin.Question{}); id != "media-0" {
		t.Errorf("placed on %q, %v", id, err)
	}
	r.Heard(beat("media-1", "b", 0), time.Now())
	r.answered("media-1", nil)
	for range 10 {
		if id, err := r.Place(t.Context(), plugin.Question{}); id != "media-1" {
			t.Errorf("placed on %q, %v", id, err)
		}
	}
	r.answered("media-0", nil)
	if id, err := r.Place(t.Context(), plugin.Question{}); id != "media-0" {
		t.Errorf("placed on %q, %v", id, err)
	}
}
