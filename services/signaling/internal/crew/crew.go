// Package crew runs short tasks on goroutines that stay for the next: one that has grown its stack need not do so again, which
// costs more than many a task.
package crew

import "sync"

// idlers is how many goroutines stay without work.
const idlers = 64

// Crew runs tasks at once, as many at a time as there are. The zero value is ready; a nil one keeps no goroutines.
type Crew struct {
	mu    sync.Mutex // guards what follows
	idle  []chan task
	ended bool
	wg    sync.WaitGroup // of those that are idle, or were
}

type task struct {
	do func()
	wg *sync.WaitGroup
}

// Go is wg.Go(do).
func (c *Crew) Go(wg *sync.WaitGroup, do func()) {
	if c == nil {
		wg.Go(do)
		return
	}
	wg.Add(1)
	t := task{do, wg}
	c.mu.Lock()
	n := len(c.idle)
	if n == 0 {
		c.mu.Unlock()
		c.wg.Go(func() { c.work(t) })
		return
	}
	hand := c.idle[n-1]
	c.idle = c.idle[:n-1]
	c.mu.Unlock()
	hand <- t // has room
}

// Close has nobody stay any more, and waits for all tasks.
func (c *Crew) Close() {
	c.mu.Lock()
	c.ended = true
	for _, hand := range c.idle {
		close(hand)
	}
	c.idle = nil
	c.mu.Unlock()
	c.wg.Wait()
}

func (c *Crew) work(t task) {
	hand := make(chan task, 1)
	for ok := true; ok; t, ok = <-hand {
		t.do()
		t.wg.Done()
		t = task{}
		c.mu.Lock()
		if c.ended || len(c.idle) == idlers {
			c.mu.Unlock()
			return
		}
		c.idle = append(c.idle, hand)
		c.mu.Unlock()
	}
}
