package bus

import (
	"slices"
	"sync"
	"time"
)

// idleFor is how long a goroutine stays that has nothing to do.
const idleFor = 10 * time.Second

// lane runs tasks, up to atOnce at a time, and keeps up to taken that wait. Its goroutines stay: one that has grown its stack
// for a command, which costs a tenth of the command, does not grow it again for the next. The one that was last done is the
// next to work, so that there are no more than are needed, and those end that are not.
type lane struct {
	taken chan struct{} // a token for each task that waits or runs
	stop  chan struct{} // closed by end
	wg    sync.WaitGroup

	mu      sync.Mutex
	waiting []func()
	idle    []chan func()
	workers int
	ended   bool
}

func newLane() *lane { return &lane{taken: make(chan struct{}, taken), stop: make(chan struct{})} }

// post has task run when it is its turn, or never if the lane ends before. It waits only while taken tasks are there.
func (l *lane) post(task func()) {
	select {
	case l.taken <- struct{}{}:
	case <-l.stop:
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	if n := len(l.idle); n > 0 {
		l.idle[n-1] <- task // has room
		l.idle = l.idle[:n-1]
		return
	}
	l.waiting = append(l.waiting, task)
	if l.workers < atOnce {
		l.workers++
		l.wg.Go(l.work)
	}
}

// end begins nothing more, not what waits either.
func (l *lane) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	close(l.stop)
}

// join returns when what is under way after end is done.
func (l *lane) join() { l.wg.Wait() }

func (l *lane) work() {
	mine := make(chan func(), 1)
	for {
		task, ended := l.next(mine)
		if task == nil && !ended {
			task = l.wait(mine)
		}
		if task == nil {
			return
		}
		task()
		<-l.taken
	}
}

// wait is for the task that comes on mine; nil if the lane ends, or if none comes for so long that the goroutine has left the idle.
func (l *lane) wait(mine chan func()) func() {
	late := time.NewTimer(idleFor)
	defer late.Stop()
	select {
	case task := <-mine:
		return task
	case <-l.stop:
		return nil
	case <-late.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.Index(l.idle, mine)
	if at < 0 {
		return <-mine // it has come meanwhile
	}
	l.idle = slices.Delete(l.idle, at, at+1)
	l.workers--
	return nil
}

// next is the task that has waited longest. Without one, the caller gets the next that comes, on mine.
func (l *lane) next(mine chan func()) (task func(), ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, true
	}
	if len(l.waiting) == 0 {
		l.waiting = nil
		l.idle = append(l.idle, mine)
		return nil, false
	}
	task = l.waiting[0]
	l.waiting[0] = nil // let go of it
	l.waiting = l.waiting[1:]
	return task, false
}
