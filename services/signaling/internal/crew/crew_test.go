package crew

import (
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTasksRunAtOnce, however many there are, and again by those who stayed.
func TestTasksRunAtOnce(t *testing.T) {
	for _, c := range []*Crew{nil, {}} {
		for range 3 {
			const tasks = 3 * idlers
			var all, wg sync.WaitGroup
			var done atomic.Int32
			all.Add(tasks)
			for range tasks {
				c.Go(&wg, func() {
					all.Done()
					all.Wait() // for each other
					done.Add(1)
				})
			}
			wg.Wait()
			if n := done.Load(); n != tasks {
				t.Errorf("%d of %d were done", n, tasks)
			}
		}
		if c == nil {
			continue
		}
		c.mu.Lock()
		if n := len(c.idle); n > idlers {
			t.Errorf("%d stay", n)
		}
		c.mu.Unlock()
		c.Close() // after which goleak finds nobody
		var wg sync.WaitGroup
		c.Go(&wg, func() {})
		wg.Wait()
	}
}
