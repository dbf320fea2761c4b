package drain

import (
	"context"
	"log/slog"
	"maps"
	"slices"
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
	// pace is the time between the beginnings of two moves, unless the deadline wants it shorter: moves that begin together make each
	// other late, and a publisher's feeds stand still while its move is late.
	pace = 100 * time.Millisecond
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

	over map[string]time.Time // starts of those drains of which it has been said that they are over; by Run alone

	mu    sync.Mutex
	tried map[plugin.PeerKey]attempt // of peers that are still where they were
	moves sync.WaitGroup
}

// attempt is the last one to move a peer.
type attempt struct {
	at      time.Time
	refused bool // so that the peer is not on its way
}

// Run drains until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	w.tried, w.over = map[plugin.PeerKey]attempt{}, map[string]time.Time{}
	defer w.moves.Wait()
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
	if mine, err := w.Store.HoldDrain(ctx, node, w.Replica, held); err != nil || !mine {
		return err
	}
	if !w.Nodes.Alive(node) {
		w.Log.Info("drain forgotten with its node", "node", node)
		return w.Store.EndDrain(ctx, node)
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
	interval := paceOf(len(peers), d.Deadline.Sub(now))
	for i, p := range w.next(node, peers, int(look/interval), now) {
		w.moves.Go(func() {
			select {
			case <-time.After(time.Duration(i) * interval):
				w.move(ctx, p)
			case <-ctx.Done():
			}
		})
	}
	return nil
}

// paceOf is the time between the beginnings of two moves, so that all of so many have begun when half of the time that is left is over.
func paceOf(peers int, left time.Duration) time.Duration {
	return max(time.Millisecond, min(pace, left/2/time.Duration(peers)))
}

// next are the peers of a node to be moved now: first those that have not been tried, then those whose last attempt is longest
// ago, and no more than may be on their way. One that no handle has stays where it is.
func (w *Worker) next(node string, peers []plugin.PeerKey, most int, now time.Time) []plugin.PeerKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	there := make(map[plugin.PeerKey]bool, len(peers))
	for _, p := range peers {
		there[p] = true
	}
	maps.DeleteFunc(w.tried, func(p plugin.PeerKey, _ attempt) bool { return p.Node == node && !there[p] })
	var next []plugin.PeerKey
	underway := 0
	for _, p := range peers {
		last, tried := w.tried[p]
		switch {
		case p.Handle.Session == 0:
		case !tried || now.Sub(last.at) >= again:
			next = append(next, p)
		case !last.refused:
			underway++
		}
	}
	slices.SortStableFunc(next, func(a, b plugin.PeerKey) int { return w.tried[a].at.Compare(w.tried[b].at) })
	next = next[:min(len(next), most, max(0, atOnce-underway))]
	for _, p := range next {
		w.tried[p] = attempt{at: now}
	}
	return next
}

// move begins to move a peer.
func (w *Worker) move(ctx context.Context, p plugin.PeerKey) {
	ctx, cancel := context.WithTimeout(ctx, moveTime)
	defer cancel()
	err := Move(ctx, w.Requests, p.Handle, p.Node, "")
	if err == nil {
		return
	}
	w.Log.Debug("peer not moved", "session", p.Handle.Session, "handle", p.Handle.Handle, "node", p.Node, "err", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if last, still := w.tried[p]; still {
		w.tried[p] = attempt{at: last.at, refused: true}
	}
}
