package room

import (
	"context"
	"sync"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// claims says about which handles' peers a node is being talked to.
type claims struct {
	mu    sync.Mutex
	held  map[plugin.HandleID]bool
	freed chan struct{} // closed when something is given back
}

func newClaims() *claims {
	return &claims{held: map[plugin.HandleID]bool{}, freed: make(chan struct{})}
}

// take waits until all of ids are free and takes them together, so that no two commands wait for each other.
func (c *claims) take(ctx context.Context, ids map[plugin.HandleID]bool) error {
	for {
		c.mu.Lock()
		free := true
		for id := range ids {
			free = free && !c.held[id]
		}
		if free {
			for id := range ids {
				c.held[id] = true
			}
			c.mu.Unlock()
			return nil
		}
		freed := c.freed
		c.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *claims) give(ids map[plugin.HandleID]bool) {
	if len(ids) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range ids {
		delete(c.held, id)
	}
	close(c.freed)
	c.freed = make(chan struct{})
}
