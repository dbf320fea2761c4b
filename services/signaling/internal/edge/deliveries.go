package edge

import (
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

const (
	// tellAfter is how long after an event it is told that it was taken: the socket's writer has had its turn by then.
	tellAfter = 2 * time.Millisecond
	// tellEvery is from one word about deliveries to the next, each of at most bus.MaxDeliveries sessions.
	tellEvery = 50 * time.Millisecond
)

// deliveries are sessions whose sockets were sent events that roomstate does not know to have been taken. If this edge dies, those
// come again after a claim elsewhere; so it is told soon, for all sessions together. It is what a socket's connection has taken, not
// what waits for it: that would be lost.
type deliveries struct {
	mu      sync.Mutex // guards what follows
	due     map[*session]Socket
	running bool
	told    time.Time // the last time
}

// noteDelivery has it told that the session's socket took what it was sent.
func (e *Edge) noteDelivery(s *session, socket Socket) {
	d := &e.deliveries
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.due == nil {
		d.due = map[*session]Socket{}
	}
	d.due[s] = socket
	if !d.running && !e.closing.Load() {
		d.running = true
		e.wg.Go(e.tellDeliveries)
	}
}

// forgetDelivery is for a session whose socket has closed: that is told by itself.
func (e *Edge) forgetDelivery(s *session) {
	e.deliveries.mu.Lock()
	defer e.deliveries.mu.Unlock()
	delete(e.deliveries.due, s)
}

// tellDeliveries tells until there is nothing more to tell. An edge that ends tells of each session by itself (Lost).
func (e *Edge) tellDeliveries() {
	d := &e.deliveries
	for {
		d.mu.Lock()
		wait := max(tellAfter, time.Until(d.told.Add(tellEvery)))
		d.mu.Unlock()
		select {
		case <-time.After(wait):
		case <-e.drained:
		}
		all, more := d.take(e.closing.Load())
		if len(all) > 0 {
			e.bus.Tell(all)
		}
		if !more {
			return
		}
	}
}

// take returns what can be told; more is false if nothing is left, and whoever notes something next is to begin again.
func (d *deliveries) take(over bool) (all []*busv1.Delivery, more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if over {
		clear(d.due)
	}
	for s, socket := range d.due {
		if len(all) == bus.MaxDeliveries {
			break
		}
		if taken := s.taken(socket); taken > 0 {
			all = append(all, &busv1.Delivery{SessionId: s.id, Socket: socket.ID(), Delivered: taken})
			delete(d.due, s)
		}
	}
	d.told = time.Now()
	d.running = len(d.due) > 0
	return all, d.running
}

// taken returns up to which event the socket is known to have taken what the session sent it; 0 if it is not known.
func (s *session) taken(socket Socket) uint64 {
	delivered := s.delivered.Load() // first: what is sent meanwhile may not have been taken
	if !socket.Drained() {
		return 0
	}
	return delivered
}
