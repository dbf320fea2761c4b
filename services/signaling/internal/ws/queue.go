package ws

import "sync"

// queue is what waits for a socket's writer. It takes no room while it is empty.
type queue struct {
	wake chan struct{} // has room for one; full while there is something to take

	mu       sync.Mutex
	messages [][]byte
	bytes    int64
}

// put is false if the message is one too many.
func (q *queue) put(message []byte, opt *Options) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == opt.QueueLength || q.bytes+int64(len(message)) > opt.QueueBytes {
		return false
	}
	q.messages = append(q.messages, message)
	q.bytes += int64(len(message))
	q.signal()
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() (message []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		return nil, false
	}
	message = q.messages[0]
	q.messages[0] = nil // let go of it
	if q.messages = q.messages[1:]; len(q.messages) > 0 {
		q.signal()
	} else {
		q.messages = nil
	}
	q.bytes -= int64(len(message))
	return message, true
}
