package bus

import (
	"sync"
	"testing"
	"testing/synctest"
)

// TestLaneRunsSoManyAtOnce, and the others in the order in which they came.
func TestLaneRunsSoManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane()
		hold := make(chan struct{})
		var mu sync.Mutex
		var began []int
		for i := range atOnce + 2 {
			l.post(func() {
				mu.Lock()
				began = append(began, i)
				mu.Unlock()
				<-hold
			})
		}
		synctest.Wait()
		if len(began) != atOnce {
			t.Fatalf("%d run at once", len(began))
		}
		for i := range 2 {
			hold <- struct{}{}
			synctest.Wait()
			if got := began[len(began)-1]; got != atOnce+i {
				t.Errorf("then %d", got)
			}
		}
		close(hold)
		l.end()
		l.wait()
	})
}

// TestLaneHasAsManyGoroutinesAsItNeeded.
func TestLaneHasAsManyGoroutinesAsItNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane()
		n := 0
		for range 100 {
			l.post(func() { n++ })
			synctest.Wait()
		}
		if n != 100 || l.workers != 1 {
			t.Errorf("%d tasks by %d goroutines", n, l.workers)
		}
		l.end()
		l.wait()
	})
}

// TestLaneThatEndsDropsWhatWaits, and waits for what runs.
func TestLaneThatEndsDropsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane()
		hold := make(chan struct{})
		var mu sync.Mutex
		done := 0
		for range atOnce + 1 {
			l.post(func() {
				<-hold
				mu.Lock()
				defer mu.Unlock()
				done++
			})
		}
		synctest.Wait()
		l.end()
		l.post(func() { t.Error("begun after the end") })
		close(hold)
		l.wait()
		if done != atOnce {
			t.Errorf("%d were done, %d had begun", done, atOnce)
		}
	})
}
