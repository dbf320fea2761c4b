package edge

import (
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

// told returns an edge, and what it tells of deliveries.
func told(t *testing.T) (*Edge, chan []*busv1.Delivery) {
	t.Helper()
	heard := make(chan []*busv1.Delivery, 100)
	return start(t, &fakeBus{
		do:   func(*busv1.Command, func(string)) (*busv1.Reply, error) { return done, nil },
		tell: func(all []*busv1.Delivery) { heard <- all },
	}), heard
}

func TestWhatASocketHasTakenIsToldWithoutARequest(t *testing.T) {
	e, heard := told(t)
	client, socket := open(e, "a")
	create(t, client, socket)
	const events = 5
	for n := range uint64(events) {
		e.Hear(event(7, n+1, "", "event"))
		socket.want(t, "event")
	}
	for last := uint64(0); last < events; {
		select {
		case all := <-heard:
			if len(all) != 1 || all[0].GetSessionId() != 7 || all[0].GetSocket() != "a" || all[0].GetDelivered() <= last {
				t.Fatalf("told %v after %d", all, last)
			}
			last = all[0].GetDelivered()
		case <-time.After(5 * time.Second):
			t.Fatalf("nothing is told after %d", last)
		}
	}
}

func TestWhatWaitsForASlowSocketCountsAsNotTaken(t *testing.T) {
	e, heard := told(t)
	client, socket := open(e, "a")
	create(t, client, socket)
	socket.slow.Store(true)
	e.Hear(event(7, 1, "", "event 1"))
	socket.want(t, "event 1")
	select {
	case all := <-heard:
		t.Fatalf("told %v", all)
	case <-time.After(3 * tellEvery):
	}
	if n := client.deliveredOf(7); n != 0 {
		t.Errorf("a request says %d", n)
	}
	socket.slow.Store(false)
	select {
	case all := <-heard:
		if all[0].GetDelivered() != 1 {
			t.Errorf("told %v", all)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing is told")
	}
}

func TestNothingIsToldOfASocketThatHasClosed(t *testing.T) {
	e, heard := told(t)
	client, socket := open(e, "a")
	create(t, client, socket)
	socket.slow.Store(true)
	e.Hear(event(7, 1, "", "event 1"))
	socket.want(t, "event 1")
	client.Close()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		e.deliveries.mu.Lock()
		due, running := len(e.deliveries.due), e.deliveries.running
		e.deliveries.mu.Unlock()
		if due == 0 && !running {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are due still, running %t", due, running)
		}
	}
	if len(heard) > 0 {
		t.Errorf("told %v", <-heard)
	}
}

func TestDeliveriesOfManySessionsGoInMessagesOfBoundedSize(t *testing.T) {
	const sessions = bus.MaxDeliveries + 10
	d := &deliveries{due: map[*session]Socket{}}
	for i := range sessions {
		s := &session{id: uint64(i)}
		s.delivered.Store(3)
		d.due[s] = &fakeSocket{id: fmt.Sprint(i)}
	}
	all, more := d.take(false)
	if len(all) != bus.MaxDeliveries || !more {
		t.Errorf("%d, more %t", len(all), more)
	}
	all, more = d.take(false)
	if len(all) != sessions-bus.MaxDeliveries || more {
		t.Errorf("then %d, more %t", len(all), more)
	}
}
