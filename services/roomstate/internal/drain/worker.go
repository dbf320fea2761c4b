package drain

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

const (
	// look is how often this replica looks for nodes to be drained, and for what is left on them.
	look = 500 * time.Millisecond
	// held is how long a replica that is not heard of any more keeps others from going on with its work.
	held = 3 * time.Second
	// atOnce bounds the peers of a node that are on their way.
	atOnce = 32
	// again is when a peer that is still there is tried again.
	again = 5 * time.Second
	// moveTime bounds the beginning of one move.
	moveTime = 8 * time.Second
)

// Worker drains nodes: those that the store lists, of which other replicas take none at the same time.
type Worker struct {
	Store interface {
		Drains(ctx context.Context) (map[string]store.Drain, error)
		HoldDrain(ctx context.Context, node, replica string, while time.Duration) (bool, error)
		EndDrain(ctx context.Context, node string) error
		PeersOn(ctx context.Context, node string) ([]plugin.PeerKey, error)
	}
	Nodes    interface{ Alive(node string) bool }
	Requests Requester
	Replica  string
	Log      *slog.Logger

	tried map[plugin.PeerKey]time.Time // by Run alone
	over  map[string]time.Time         // starts of those drains of which it has been said that they are over; by Run alone
}

// Run drains until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	w.tried, w.over = map[plugin.PeerKey]time.Time{}, map[string]time.Time{}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		w.pass(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// pass does what is to be done now.
func (w *Worker) pass(ctx context.Context) {
	drains, err := w.Store.Drains(ctx)
	if err != nil {
		w.Log.Debug("drains not read", "err", err)
		return
	}
	now := time.Now()
	for p, at := range w.tried {
		if now.Sub(at) >= again {
			delete(w.tried, p)
		}
	}
	for node := range w.over {
		if _, still := drains[node]; !still {
			delete(w.over, node)
		}
	}
	for node, d := range drains {
		if err := w.drain(ctx, node, d, now); err != nil {
			w.Log.Warn("node not drained further", "node", node, "err", err)
		}
	}
}

func (w *Worker) drain(ctx context.Context, node string, d store.Drain, now time.Time) error {
	if !w.Nodes.Alive(node) {
		return w.Store.EndDrain(ctx, node)
	}
	if mine, err := w.Store.HoldDrain(ctx, node, w.Replica, held); err != nil || !mine {
		return err
	}
	peers, err := w.Store.PeersOn(ctx, node)
	if err != nil {
		return err
	}
	if len(peers) == 0 || now.After(d.Deadline) {
		if !w.over[node].Equal(d.Started) {
			w.over[node] = d.Started
			w.Log.Info("node drained", "node", node, "peers", d.Peers, "left", len(peers), "took_ms", now.Sub(d.Started).Milliseconds())
		}
		return nil
	}
	w.move(ctx, node, w.next(peers), now)
	return nil
}

// next are the peers to be moved now, so that not too many are on their way. One that no handle has stays where it is.
func (w *Worker) next(peers []plugin.PeerKey) []plugin.PeerKey {
	var next []plugin.PeerKey
	underway := 0
	for _, p := range peers {
		_, tried := w.tried[p]
		switch {
		case tried:
			underway++
		case p.Handle.Session != 0:
			next = append(next, p)
		}
	}
	return next[:min(len(next), max(0, atOnce-underway))]
}

// move begins to move peers.
func (w *Worker) move(ctx context.Context, node string, peers []plugin.PeerKey, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, moveTime)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range peers {
		w.tried[p] = now
		wg.Go(func() {
			if err := Move(ctx, w.Requests, p.Handle, node, ""); err != nil {
				w.Log.Debug("peer not moved", "session", p.Handle.Session, "handle", p.Handle.Handle, "node", node, "err", err)
			}
		})
	}
}
