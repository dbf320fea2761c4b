package ws

import "sync"

// queue is what waits to be written. While something does, and only then, a writer takes it: a socket of which nothing is
// asked, as most of the time, keeps neither goroutine nor buffer for it.
type queue struct {
	writers sync.WaitGroup
	write   func() // takes until take says that it is to return

	mu       sync.Mutex
	messages [][]byte
	bytes    int64
	writing  bool // a writer runs
	ended    bool // nothing more is let in
}

// put queues a message, nil for a ping. It is false if the message is one too many.
func (q *queue) put(message []byte, opt *Options) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return true
	}
	if len(q.messages) == opt.QueueLength || q.bytes+int64(len(message)) > opt.QueueBytes {
		return false
	}
	q.messages = append(q.messages, message)
	q.bytes += int64(len(message))
	q.begin()
	return true
}

// end lets nothing more in, and has a writer see to the end. No writer begins after it has returned.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.begin()
}

func (q *queue) begin() {
	if !q.writing {
		q.writing = true
		q.writers.Go(q.write)
	}
}

// take is for the writer. If nothing is left, ok is false and the writer returns; it is the last one if the queue has ended. more
// says that something is left after this: the writer's next take has it.
func (q *queue) take() (message []byte, ok, more, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		q.messages = nil
		q.writing = q.ended
		return nil, false, false, q.ended
	}
	message = q.messages[0]
	q.messages[0] = nil // let go of it
	q.messages = q.messages[1:]
	q.bytes -= int64(len(message))
	return message, true, len(q.messages) > 0, q.ended
}

// drained is true if all that was put has been written, unless the queue has ended: then nobody knows.
func (q *queue) drained() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.writing
}
