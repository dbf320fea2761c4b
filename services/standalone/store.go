package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// storeTick is how exactly the embedded store keeps the time to live of its keys. The shortest is a lease's, 2 s.
const storeTick = 250 * time.Millisecond

// startStore starts an embedded store that speaks Redis's protocol. What is in it ends with stop.
func startStore(ctx context.Context) (store *miniredis.Miniredis, stop func(), err error) {
	store = miniredis.NewMiniRedis()
	if err := store.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("start store: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { age(ctx, store) })
	return store, func() { cancel(); wg.Wait(); store.Close() }, nil
}

// age lets time pass for the store's keys. The store's own clock (ClockTTL) would look at every key in every command.
func age(ctx context.Context, store *miniredis.Miniredis) {
	ticker := time.NewTicker(storeTick)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			store.FastForward(now.Sub(last))
			last = now
		}
	}
}
