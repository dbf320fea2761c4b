package shard

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// Beat is how often a replica announces itself.
	Beat = 500 * time.Millisecond
	// hold is how long a replica counts as alive after an announcement, and holds its shards.
	hold = 2 * time.Second
)

// leases are where it is written who holds what.
type leases interface {
	Announce(ctx context.Context, replica string, alive time.Duration, leaving bool) (replicas []string, continued bool, err error)
	Lease(ctx context.Context, replica string, shards int, wanted []int) ([]int, error)
}

// Holder holds this replica's shards.
type Holder struct {
	Replica string
	Shards  int
	Leases  leases
	// Take begins and Drop ends the service of a shard. They are called one at a time.
	Take func(shard int) error
	Drop func(shard int)
	Log  *slog.Logger

	among []string // the replicas alive when all that was wanted among them was held last; nil if something lacked

	mu    sync.Mutex
	held  map[int]struct{}
	until time.Time // by when there has to be another announcement
}

// Holds tells whether a shard is this replica's now.
func (h *Holder) Holds(shard int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.held[shard]
	return ok && time.Now().Before(h.until)
}

// Count returns how many shards are held.
func (h *Holder) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held)
}

// Run takes and renews leases until ctx ends, and then gives them back.
func (h *Holder) Run(ctx context.Context) {
	tick := time.NewTicker(Beat)
	defer tick.Stop()
	for {
		h.beat(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.leave(context.WithoutCancel(ctx))
			return
		}
	}
}

func (h *Holder) beat(ctx context.Context) {
	asked := time.Now() // what is held ends no earlier than hold after this
	ctx, cancel := context.WithTimeout(ctx, 2*Beat)
	defer cancel()
	replicas, continued, err := h.Leases.Announce(ctx, h.Replica, hold, false)
	slices.Sort(replicas)
	if err == nil && (!continued || !slices.Equal(replicas, h.among)) {
		err = h.lease(ctx, replicas)
	}
	h.mu.Lock()
	if err == nil {
		h.until = asked.Add(hold)
	}
	over := time.Now().After(h.until)
	h.mu.Unlock()
	if err != nil {
		h.Log.Debug("leases not renewed", "err", err)
		h.among = nil
		if over {
			h.keep(nil)
		}
	}
}

// lease makes held what this replica should hold among those alive, as far as no other holds it yet.
func (h *Holder) lease(ctx context.Context, replicas []string) error {
	mine := wanted(h.Replica, replicas, h.Shards)
	held, err := h.Leases.Lease(ctx, h.Replica, h.Shards, mine)
	if err != nil {
		return err
	}
	h.keep(held)
	if h.among = nil; h.Count() == len(mine) {
		h.among = replicas
	}
	return nil
}

// keep makes held what this replica serves.
func (h *Holder) keep(shards []int) {
	h.mu.Lock()
	before := h.held
	h.mu.Unlock()
	held := map[int]struct{}{}
	changed := 0
	for _, n := range shards {
		if _, ok := before[n]; !ok {
			if err := h.Take(n); err != nil {
				h.Log.Warn("shard not taken", "shard", n, "err", err)
				continue
			}
			changed++
		}
		held[n] = struct{}{}
	}
	h.mu.Lock()
	h.held = held
	h.mu.Unlock()
	for n := range before {
		if _, ok := held[n]; !ok {
			h.Drop(n)
			changed++
		}
	}
	if changed > 0 {
		h.Log.Info("shards held", "count", len(held))
	}
}

// leave gives everything back, so that others need not wait for the leases to end.
func (h *Holder) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	h.keep(nil)
	_, _, err := h.Leases.Announce(ctx, h.Replica, hold, true)
	if err == nil {
		_, err = h.Leases.Lease(ctx, h.Replica, h.Shards, nil)
	}
	if err != nil {
		h.Log.Warn("leases not given back", "err", err)
	}
}
