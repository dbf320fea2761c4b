package shard

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// Beat is how often a replica announces itself and renews its leases.
	Beat = 500 * time.Millisecond
	// alive is how long a replica counts as alive after an announcement.
	alive = 1500 * time.Millisecond
	// hold is how long a lease lasts.
	hold = 2 * time.Second
)

// leases are where it is written who holds what.
type leases interface {
	Announce(ctx context.Context, replica string, alive time.Duration, leaving bool) ([]string, error)
	Lease(ctx context.Context, replica string, hold time.Duration, shards int, wanted []int) ([]int, error)
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

	mu   sync.Mutex
	held map[int]time.Time // until when
}

// Holds tells whether a shard is this replica's now.
func (h *Holder) Holds(shard int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, ok := h.held[shard]
	return ok && time.Now().Before(until)
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
	asked := time.Now() // the lease ends no earlier than hold after this
	ctx, cancel := context.WithTimeout(ctx, 2*Beat)
	defer cancel()
	replicas, err := h.Leases.Announce(ctx, h.Replica, alive, false)
	var held []int
	if err == nil {
		held, err = h.Leases.Lease(ctx, h.Replica, hold, h.Shards, wanted(h.Replica, replicas, h.Shards))
	}
	if err != nil {
		h.Log.Debug("leases not renewed", "err", err)
		h.keep(h.unexpired())
		return
	}
	until := map[int]time.Time{}
	for _, n := range held {
		until[n] = asked.Add(hold)
	}
	h.keep(until)
}

// unexpired returns what is still held when no renewal got through.
func (h *Holder) unexpired() map[int]time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	still := maps.Clone(h.held)
	maps.DeleteFunc(still, func(_ int, until time.Time) bool { return now.After(until) })
	return still
}

// keep makes held what this replica serves.
func (h *Holder) keep(held map[int]time.Time) {
	h.mu.Lock()
	before := h.held
	h.mu.Unlock()
	changed := 0
	for _, n := range slices.Sorted(maps.Keys(held)) {
		if _, ok := before[n]; ok {
			continue
		}
		if err := h.Take(n); err != nil {
			h.Log.Warn("shard not taken", "shard", n, "err", err)
			delete(held, n)
			continue
		}
		changed++
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
	h.keep(map[int]time.Time{})
	_, err := h.Leases.Announce(ctx, h.Replica, alive, true)
	if err == nil {
		_, err = h.Leases.Lease(ctx, h.Replica, hold, h.Shards, nil)
	}
	if err != nil {
		h.Log.Warn("leases not given back", "err", err)
	}
}
