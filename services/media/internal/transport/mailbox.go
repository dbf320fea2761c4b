package transport

import (
	"sync"
	"time"
)

// mailbox carries functions to the worker's goroutine.
type mailbox struct {
	wake func() // ends the worker's wait for datagrams

	mu     sync.Mutex
	queue  []func(now time.Duration)
	spare  []func(now time.Duration) // the slice taken before the last, for reuse
	closed bool
}

func (m *mailbox) put(f func(now time.Duration)) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	first := len(m.queue) == 0
	m.queue = append(m.queue, f)
	m.mu.Unlock()
	if first {
		m.wake()
	}
	return true
}

// take empties the mailbox. What it returns is valid until the next call.
func (m *mailbox) take() []func(now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.queue
	clear(m.spare[:cap(m.spare)])
	m.queue, m.spare = m.spare[:0], taken
	return taken
}

// close empties the mailbox for the last time.
func (m *mailbox) close() []func(now time.Duration) {
	rest := m.take()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return append(rest, m.queue...)
}
