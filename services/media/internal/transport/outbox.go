package transport

import (
	"context"
	"sync"
)

// How much may wait to be sent to one peer. Messages that go to many peers share their bytes.
const (
	maxQueuedData     = 4 << 20 // bytes
	maxQueuedMessages = 16 << 10
)

// outbox is what waits to be sent on a peer's data channels. It leaves no holes: a message too many ends it.
type outbox struct {
	wake chan struct{} // has room for one; full when the reader should look again

	mu       sync.Mutex
	isOpen   bool
	held     bool // nothing is taken for now
	messages []Message
	bytes    int
	overflow chan struct{} // closed when a message was too many; one for each opening
}

// putResult is what became of a message.
type putResult uint8

const (
	queued putResult = iota
	notOpen
	overflowed // it was too many, and the last
)

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// open begins anew, with nothing in it but what waits since before. overflow is closed when a message is too many.
func (o *outbox) open(waiting []Message) (overflow <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.isOpen, o.held, o.messages, o.bytes, o.overflow = true, false, waiting, 0, make(chan struct{})
	for _, m := range waiting {
		o.bytes += len(m.Data)
	}
	return o.overflow
}

// hold has what is put into it wait, or ends that.
func (o *outbox) hold(held bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = held
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) opened() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.isOpen
}

// takeAll takes what is in it, and ends it.
func (o *outbox) takeAll() []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.messages
	o.isOpen, o.messages, o.bytes = false, nil, 0
	return all
}

// close forgets what is left.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.isOpen, o.messages = false, nil
}

func (o *outbox) put(m Message) putResult {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.isOpen {
		return notOpen
	}
	if o.bytes+len(m.Data) > maxQueuedData || len(o.messages) == maxQueuedMessages {
		o.giveUp()
		return overflowed
	}
	o.messages = append(o.messages, m)
	o.bytes += len(m.Data)
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return queued
}

// giveUp ends what would have a hole. The lock is held.
func (o *outbox) giveUp() {
	o.isOpen, o.messages = false, nil
	close(o.overflow)
}

// abandon is for a message that was lost on its way here. False if none was expected.
func (o *outbox) abandon() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.isOpen {
		return false
	}
	o.giveUp()
	return true
}

// next waits for a message and takes it. Only one goroutine may call it.
func (o *outbox) next(ctx context.Context) (Message, error) {
	for {
		if m, ok := o.take(); ok {
			return m, nil
		}
		select {
		case <-o.wake:
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

func (o *outbox) take() (Message, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.messages) == 0 || o.held {
		return Message{}, false
	}
	m := o.messages[0]
	o.messages[0] = Message{} // let go of its bytes
	o.messages = o.messages[1:]
	o.bytes -= len(m.Data)
	return m, true
}
