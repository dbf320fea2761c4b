package edge

import "sync"

// lane runs tasks one at a time, in the order in which they were posted. It has a goroutine only while it has work.
type lane struct {
	wg *sync.WaitGroup // counts that goroutine

	mu      sync.Mutex
	tasks   []func()
	running bool
}

func (l *lane) post(task func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tasks = append(l.tasks, task)
	if !l.running {
		l.running = true
		l.wg.Go(l.run)
	}
}

func (l *lane) run() {
	for {
		l.mu.Lock()
		if len(l.tasks) == 0 {
			l.running = false
			l.tasks = nil
			l.mu.Unlock()
			return
		}
		task := l.tasks[0]
		l.tasks = l.tasks[1:]
		l.mu.Unlock()
		task()
	}
}

// laneKey is a session, with handle 0, or one of its handles: what keeps its requests in order.
type laneKey struct{ session, handle uint64 }

// lanes has a lane for each key that has work.
type lanes struct {
	wg *sync.WaitGroup

	mu   sync.Mutex
	byID map[laneKey]*countedLane
}

type countedLane struct {
	lane
	pending int // tasks posted and not yet done; guarded by lanes.mu
}

func newLanes(wg *sync.WaitGroup) *lanes {
	return &lanes{wg: wg, byID: map[laneKey]*countedLane{}}
}

func (ls *lanes) post(key laneKey, task func()) {
	ls.mu.Lock()
	l, ok := ls.byID[key]
	if !ok {
		l = &countedLane{lane: lane{wg: ls.wg}}
		ls.byID[key] = l
	}
	l.pending++
	ls.mu.Unlock()
	l.post(func() {
		task()
		ls.mu.Lock()
		if l.pending--; l.pending == 0 {
			delete(ls.byID, key)
		}
		ls.mu.Unlock()
	})
}
