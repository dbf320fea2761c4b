package drain

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

const (
	// reliefEvery is how often overfull nodes are looked for: what was moved shows in beats by then.
	reliefEvery = 4 * time.Second
	// reliefHeld keeps other replicas from relieving the same node meanwhile.
	reliefHeld = 6 * time.Second
	// reliefAtOnce bounds the peers that a node gives away between two looks.
	reliefAtOnce = 16
	// settled is how long a peer is left where it is after it was moved, or could not be.
	settled = time.Minute
)

// Relief has peers leave nodes that have come to carry more than they may, while others have room to spare. Placement keeps a part
// of each node free for calls to grow by, but how much they grow it cannot know.
type Relief struct {
	Store interface {
		HoldDrain(ctx context.Context, node, replica string, while time.Duration) (bool, error)
		PeersOn(ctx context.Context, node string) ([]plugin.PeerKey, error)
	}
	Nodes interface {
		// Overfull returns those nodes, if any other has room to spare.
		Overfull(now time.Time) []plugin.Overfull
	}
	Requests Requester
	Replica  string
	Log      *slog.Logger

	tried map[plugin.HandleID]time.Time
}

// Run relieves until ctx ends.
func (r *Relief) Run(ctx context.Context) {
	tick := time.NewTicker(reliefEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Pass(ctx, time.Now())
		case <-ctx.Done():
			return
		}
	}
}

// Pass does what is to be done now.
func (r *Relief) Pass(ctx context.Context, now time.Time) {
	maps.DeleteFunc(r.tried, func(_ plugin.HandleID, at time.Time) bool { return now.Sub(at) >= settled })
	for _, n := range r.Nodes.Overfull(now) {
		if err := r.relieve(ctx, n, now); err != nil {
			r.Log.Warn("node not relieved", "node", n.Node, "err", err)
		}
	}
}

func (r *Relief) relieve(ctx context.Context, n plugin.Overfull, now time.Time) error {
	if mine, err := r.Store.HoldDrain(ctx, n.Node, r.Replica, reliefHeld); err != nil || !mine {
		return err
	}
	peers, err := r.Store.PeersOn(ctx, n.Node)
	if err != nil {
		return err
	}
	peers = slices.DeleteFunc(peers, func(p plugin.PeerKey) bool {
		_, tried := r.tried[p.Handle]
		return tried || p.Handle.Session == 0
	})
	// Ids of sessions are random, so that those of one room are not neighbours.
	slices.SortFunc(peers, func(a, b plugin.PeerKey) int { return a.Handle.Compare(b.Handle) })
	moved := 0
	for _, p := range peers[:min(len(peers), 2*reliefAtOnce)] {
		if moved == min(n.Peers, reliefAtOnce) {
			break
		}
		if r.tried == nil {
			r.tried = map[plugin.HandleID]time.Time{}
		}
		r.tried[p.Handle] = now
		if r.move(ctx, p) {
			moved++
		}
	}
	r.Log.Info("node relieved", "node", n.Node, "full", n.Share, "peers", moved)
	return nil
}

func (r *Relief) move(ctx context.Context, p plugin.PeerKey) bool {
	ctx, cancel := context.WithTimeout(ctx, moveTime)
	defer cancel()
	err := Move(ctx, r.Requests, p.Handle, p.Node, "")
	if err != nil {
		r.Log.Debug("peer not moved", "session", p.Handle.Session, "handle", p.Handle.Handle, "node", p.Node, "err", err)
	}
	return err == nil
}
