package bus

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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
		l.join()
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
		l.join()
	})
}

// TestLaneLetsGoOfGoroutinesThatItNeedsNoMore, and takes others when they are needed again.
func TestLaneLetsGoOfGoroutinesThatItNeedsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane()
		var n atomic.Int32
		burst := func() {
			for range atOnce {
				l.post(func() { time.Sleep(time.Second); n.Add(1) })
			}
			time.Sleep(2 * time.Second)
		}
		burst()
		for range 2 * idleFor / time.Second { // one after another is work for one
			l.post(func() { n.Add(1) })
			time.Sleep(time.Second)
		}
		l.mu.Lock()
		workers, idle := l.workers, len(l.idle)
		l.mu.Unlock()
		if workers != 1 || idle != 1 {
			t.Errorf("%d goroutines, %d of them idle", workers, idle)
		}
		burst()
		if want := 2*atOnce + int32(2*idleFor/time.Second); n.Load() != want {
			t.Errorf("%d tasks were done, want %d", n.Load(), want)
		}
		l.end()
		l.join()
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
		l.join()
		if done != atOnce {
			t.Errorf("%d were done, %d had begun", done, atOnce)
		}
	})
}
