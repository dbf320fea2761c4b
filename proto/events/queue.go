package events

import "sync"

// queue holds encoded events for one destination, within bounds. The oldest stay: what comes when it is full is dropped.
type queue struct {
	most, mostBytes int
	wake            chan struct{} // has a token when something was put, or it was closed

	mu     sync.Mutex
	events [][]byte
	bytes  int
}

func newQueue(most, mostBytes int) *queue {
	return &queue{most: most, mostBytes: mostBytes, wake: make(chan struct{}, 1)}
}

// put adds an event, unless there is no room for it.
func (q *queue) put(event []byte) bool {
	q.mu.Lock()
	full := len(q.events) >= q.most || q.bytes+len(event) > q.mostBytes
	if !full {
		q.events = append(q.events, event)
		q.bytes += len(event)
	}
	q.mu.Unlock()
	if full {
		return false
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// take removes the oldest events: up to most of them, and no more bytes than mostBytes unless the first alone has more.
func (q *queue) take(most, mostBytes int) [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, bytes := 0, 0
	for n < len(q.events) && n < most {
		bytes += len(q.events[n])
		if bytes > mostBytes && n > 0 {
			bytes -= len(q.events[n])
			break
		}
		n++
	}
	taken := append([][]byte(nil), q.events[:n]...)
	q.events = q.events[n:]
	if len(q.events) == 0 {
		q.events = nil // lets go of what has been sent
	}
	q.bytes -= bytes
	return taken
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events)
}
