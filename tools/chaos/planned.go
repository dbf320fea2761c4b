package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/cluster"
)

// crowded is the room of a drain, and how many are in it.
const (
	crowded          = 7103
	crowdPublishers  = 10
	crowdSubscribers = 50
	drainDeadline    = 30 // seconds
	crowdFeeds       = 2  // that each subscriber gets
)

// plannedFaults are what operators do on purpose.
func plannedFaults() []Fault {
	return []Fault{
		{Name: "drain a media node", Limits: inOrder, Inject: drain, Heal: undrain, Crowd: true},
		{Name: "restart edges in turn", Limits: edgeInOrder, Inject: rolling(0, func(r *run) []*cluster.Process { return r.cluster.Edges })},
		{Name: "restart roomstate in turn", Limits: replicaOrder, Inject: rolling(0, func(r *run) []*cluster.Process { return r.cluster.Replicas })},
		{Name: "restart media nodes in turn", Limits: inOrder, Inject: rolling(settle, func(r *run) []*cluster.Process { return r.cluster.Nodes })},
	}
}

// drain empties the node that has the most.
func drain(ctx context.Context, r *run) (string, error) {
	p, err := r.busiest(ctx)
	if err != nil {
		return "", err
	}
	r.hit = p
	began := time.Now()
	if err := r.cluster.Admin.Ask(ctx, "drain_node", map[string]any{"node": p.Name, "deadline": drainDeadline}, &struct{}{}); err != nil {
		return p.Name, err
	}
	for time.Since(began) < 2*drainDeadline*time.Second {
		nodes, err := r.cluster.Admin.Nodes(ctx)
		if err != nil {
			return p.Name, err
		}
		for _, n := range nodes {
			if n.Name == p.Name && n.Drain != nil && n.Drain.Over {
				r.drained = time.Since(began)
				if n.Drain.Left > 0 || n.Peers > 0 {
					return p.Name, fmt.Errorf("%d of its peers are left, %d are on it", n.Drain.Left, n.Peers)
				}
				return p.Name, nil
			}
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return p.Name, ctx.Err()
		}
	}
	return p.Name, fmt.Errorf("the drain is not over after %v", time.Since(began))
}

func undrain(ctx context.Context, r *run) error {
	return r.cluster.Admin.Ask(ctx, "undrain_node", map[string]any{"node": r.hit.Name}, &struct{}{})
}

// rolling has processes end in order, one after another, each when all is well again and has been for a while.
func rolling(ready time.Duration, of func(*run) []*cluster.Process) func(context.Context, *run) (string, error) {
	return func(ctx context.Context, r *run) (string, error) {
		for _, p := range of(r) {
			took, err := p.Restart(ctx)
			if err != nil {
				return p.Name, err
			}
			r.say("  %s ended in order after %s", p.Name, short(took))
			r.drained = max(r.drained, took)
			if err := r.awaitWhole(ctx, wholeTimeout); err != nil {
				return p.Name, err
			}
			if err := r.await(ctx, wholeTimeout, r.cluster.Guarded); err != nil {
				return p.Name, err
			}
			if ready > 0 && !sleep(ctx, ready) { // less than minReadySeconds of the chart
				return p.Name, ctx.Err()
			}
		}
		return "", nil
	}
}
