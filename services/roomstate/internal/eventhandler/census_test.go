package eventhandler

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/events"
)

// counted is a store and nodes.
type counted struct {
	mu    sync.Mutex
	asked int
}

func (c *counted) Census(context.Context) (sessions, handles int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked++; c.asked == 1 {
		return 0, 0, errors.New("away")
	}
	return 3, 4, nil
}

type nodesOf struct{}

func (nodesOf) Census() (peers int, statsPeriod uint32) { return 5, 1 }

// published notes events.
type published chan string

func (p published) Publish(_ string, data []byte) error {
	select {
	case p <- string(data):
	default:
	}
	return nil
}

func TestOneReplicaTellsHowMuchThereIs(t *testing.T) {
	heard := make(published, 10)
	emitter, err := events.New(events.Config{Subject: "s", Mask: []string{"core"}, Queue: 10}, "p", heard, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { emitter.Run(ctx) })
	store := &counted{}
	for _, holds := range []bool{false, true} {
		c := &Census{
			Events: emitter, Holds: func(int) bool { return holds }, Store: store, Nodes: nodesOf{},
			Every: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		}
		wg.Go(func() { c.Run(ctx) })
	}
	select {
	case got := <-heard:
		const want = `"event":{"info":{"handles":4,"peerconnections":5,"sessions":3,"stats-period":1},"status":"update"}`
		if !strings.Contains(got, want) {
			t.Errorf("told %s", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nobody is told")
	}
}
