package edge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// logBus is a roomstate with one polled session.
type logBus struct {
	fakeBus
	mu     sync.Mutex
	events []*busv1.Event
	given  []uint64 // what polls said at their end
	gone   bool
}

func newLogBus(events ...*busv1.Event) *logBus {
	b := &logBus{events: events}
	b.do = func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.gone {
			return nil, fault.New(fault.SessionNotFound, nil)
		}
		if g := cmd.GetGiven(); g != nil {
			b.given = append(b.given, g.GetUpTo())
			b.events = slices.DeleteFunc(b.events, func(e *busv1.Event) bool { return e.GetNumber() <= g.GetUpTo() })
			return done, nil
		}
		some := b.events[:min(len(b.events), int(cmd.GetPoll().GetMost()))]
		return &busv1.Reply{Outcome: &busv1.Reply_Taken{Taken: &busv1.Taken{Events: slices.Clone(some)}}}, nil
	}
	b.resume = func(uint64, uint64) []*busv1.Event { return b.events }
	return b
}

func (b *logBus) said() []uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.given)
}

// pollOnce polls session 7 once and returns how many events came.
func pollOnce(e *Edge, write error) (events int, err error) {
	err = e.Poll(context.Background(), 7, 10, func(messages [][]byte) error { events = len(messages); return write })
	return events, err
}

func TestEventsThatCouldNotBeWrittenComeAgain(t *testing.T) {
	bus := newLogBus(event(7, 1, "", "one"), event(7, 2, "", "two"))
	e := start(t, bus)
	broken := errors.New("broken")
	if _, err := pollOnce(e, broken); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if n, err := pollOnce(e, nil); n != 2 || err != nil {
		t.Fatalf("got %d events, %v", n, err)
	}
	if got := fmt.Sprint(bus.said()); got != "[0 2]" {
		t.Errorf("told roomstate %s", got)
	}
}

func TestAnEmptyPollIsAnsweredInTime(t *testing.T) {
	e := start(t, newLogBus())
	e.opt.PollTime = 10 * time.Millisecond
	if n, err := pollOnce(e, nil); n != 0 || err != nil {
		t.Errorf("got %d events, %v", n, err)
	}
}

func TestWordOfAMoveIsNoEvent(t *testing.T) {
	bus := newLogBus(&busv1.Event{SessionId: 7, Number: 1, Kind: &busv1.Event_Moved{Moved: &busv1.Moved{}}}, event(7, 2, "", "two"))
	e := start(t, bus)
	if n, err := pollOnce(e, nil); n != 1 || err != nil {
		t.Errorf("got %d events, %v", n, err)
	}
}

func TestTheOldestOfTooManyPollsIsAnswered(t *testing.T) {
	e := start(t, newLogBus())
	e.opt.SessionPolls = 2
	ended := make(chan int, 3)
	for i := range 3 {
		go func() { _, _ = pollOnce(e, nil); ended <- i }()
		for waiting := 0; waiting < min(i+1, 2); time.Sleep(time.Millisecond) {
			e.mu.Lock()
			if all := e.polled[7]; all != nil {
				waiting = len(all.waiting)
			}
			e.mu.Unlock()
		}
	}
	if first := <-ended; first != 0 {
		t.Errorf("poll %d was answered", first)
	}
	e.Drain() // an edge that ends answers all
	<-ended
	<-ended
}

func TestAPollOfNoSessionFails(t *testing.T) {
	bus := newLogBus()
	bus.gone = true
	if _, err := pollOnce(start(t, bus), nil); fault.Of(err) != fault.SessionNotFound {
		t.Errorf("got %v", err)
	}
}

func TestAPollTellsOfATimeoutAlone(t *testing.T) {
	for name, c := range map[string]struct {
		last *busv1.Event
		want int
	}{
		"timeout": {&busv1.Event{SessionId: 7, Number: 1, Kind: &busv1.Event_TimedOut{TimedOut: &busv1.TimedOut{}}}, 1},
		"claimed": {&busv1.Event{SessionId: 7, Number: 1, Kind: &busv1.Event_Moved{Moved: &busv1.Moved{}}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bus := newLogBus()
			e := start(t, bus)
			e.opt.PollTime = time.Minute
			do, asked := bus.do, make(chan struct{}, 100)
			bus.do = func(cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error) {
				defer func() { asked <- struct{}{} }()
				return do(cmd, accepted)
			}
			got := make(chan int, 1)
			go func() { n, _ := pollOnce(e, nil); got <- n }()
			<-asked
			bus.mu.Lock()
			bus.gone, bus.events = true, []*busv1.Event{c.last}
			bus.mu.Unlock()
			e.Hear(c.last)
			if n := <-got; n != c.want {
				t.Errorf("got %d events", n)
			}
		})
	}
}
