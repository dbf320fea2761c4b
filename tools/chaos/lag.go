package main

import (
	"context"
	"sync"
	"time"
)

// lag is how late this process itself is: what it sees as a gap may be its own.
type lag struct {
	mu   sync.Mutex // guards what follows
	most time.Duration
}

const lagInterval = 10 * time.Millisecond

func (l *lag) watch(ctx context.Context) {
	for last := time.Now(); ; {
		select {
		case <-time.After(lagInterval):
		case <-ctx.Done():
			return
		}
		now := time.Now()
		l.mu.Lock()
		l.most = max(l.most, now.Sub(last)-lagInterval)
		l.mu.Unlock()
		last = now
	}
}

// take returns the most since it was last taken.
func (l *lag) take() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	most := l.most
	l.most = 0
	return most
}
