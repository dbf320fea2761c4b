package edge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

const (
	// pollAgain is when the log is asked although no event was heard of.
	pollAgain = 5 * time.Second
	// pollBusy is when it is asked again if another poll is being answered.
	pollBusy = 30 * time.Millisecond
	// pollWord is how long roomstate is tried to be told how a poll ended.
	pollWord = 5 * time.Second
)

// polls are the long polls of one session that wait here, oldest first.
type polls struct {
	cancel  func() // ends the subscription
	waiting []*poll
}

// poll is one long poll.
type poll struct {
	id      string
	wake    chan struct{} // full while there may be something new
	surplus chan struct{} // closed when there are too many
}

// Poll waits for events of a session that is not any socket's and gives up to most of them to give, oldest first; none
// when the time for a poll is over. Events that give could not write come again. The error carries
// fault.SessionNotFound if there is no such session, or a socket owns it.
func (e *Edge) Poll(ctx context.Context, session uint64, most int, give func(events [][]byte) error) error {
	p, err := e.enlist(session)
	if err != nil {
		return err
	}
	defer e.dismiss(session, p)
	over := time.NewTimer(e.opt.PollTime)
	defer over.Stop()
	var delivered uint64
	for first := true; ; first = false {
		taken, err := e.take(ctx, session, &busv1.Poll{Id: p.id, First: first, Most: uint32(most)})
		switch {
		case fault.Of(err) == fault.SessionNotFound && !first:
			return e.giveLast(ctx, session, delivered, give)
		case ctx.Err() != nil:
			return e.ended(session, p, 0, "abandoned", ctx.Err())
		case err != nil:
			return e.ended(session, p, 0, "failed", err)
		}
		delivered = taken.GetDelivered()
		if events := taken.GetEvents(); len(events) > 0 {
			e.countLost(session, delivered, events[0].GetNumber())
			last := events[len(events)-1].GetNumber()
			messages := e.encode(events)
			if len(messages) == 0 { // only word of moves
				e.tell(session, &busv1.Given{Id: p.id, UpTo: last})
				continue
			}
			if err := e.giveTraced(events, messages, give); err != nil {
				return e.ended(session, p, 0, "unwritten", err)
			}
			return e.ended(session, p, last, "events", nil)
		}
		again := pollAgain
		if taken.GetBusy() {
			again = pollBusy
		}
		select {
		case <-p.wake:
		case <-time.After(again):
		case <-ctx.Done():
			return e.ended(session, p, 0, "abandoned", ctx.Err())
		case <-over.C:
			return e.ended(session, p, 0, "keepalive", give(nil))
		case <-e.drained:
			return e.ended(session, p, 0, "keepalive", give(nil))
		case <-p.surplus:
			return e.ended(session, p, 0, "surplus", give(nil))
		}
	}
}

func (e *Edge) take(ctx context.Context, session uint64, p *busv1.Poll) (*busv1.Taken, error) {
	ctx, cancel := context.WithTimeout(ctx, e.opt.AnswerTimeout)
	defer cancel()
	reply, err := e.bus.Do(ctx, &busv1.Command{
		Id: e.newCommandID(), SessionId: session,
		Socket: &busv1.Socket{Edge: e.opt.Name, Id: bus.PolledSocket},
		Verb:   &busv1.Command_Poll{Poll: p},
	}, nil)
	return reply.GetTaken(), err
}

// ended lets others have what the poll was not given, and returns err.
func (e *Edge) ended(session uint64, p *poll, upTo uint64, how string, err error) error {
	e.metrics.polls.WithLabelValues(how).Inc()
	e.tell(session, &busv1.Given{Id: p.id, UpTo: upTo})
	return err
}

func (e *Edge) tell(session uint64, given *busv1.Given) {
	ctx, cancel := context.WithTimeout(e.ctx, pollWord)
	defer cancel()
	_, err := e.bus.Do(ctx, &busv1.Command{
		Id: e.newCommandID(), SessionId: session, Verb: &busv1.Command_Given{Given: given},
	}, nil)
	if err != nil && fault.Of(err) != fault.SessionNotFound {
		e.log.Warn("end of a poll not told", "session", session, "err", err)
	}
}

// giveLast ends a poll whose session has ended or been claimed for a socket. Of a timeout the endpoint is told, after
// what came before it.
func (e *Edge) giveLast(ctx context.Context, session, delivered uint64, give func([][]byte) error) error {
	e.metrics.polls.WithLabelValues("over").Inc()
	events, err := e.bus.Resume(ctx, session, delivered)
	if err != nil || len(events) == 0 || events[len(events)-1].GetTimedOut() == nil {
		return give(nil)
	}
	e.countLost(session, delivered, events[0].GetNumber())
	return e.giveTraced(events, e.encode(events), give)
}

// giveTraced gives events to a long poll, and has the traces that they belong to tell so.
func (e *Edge) giveTraced(events []*busv1.Event, messages [][]byte, give func([][]byte) error) error {
	for _, event := range events {
		defer e.traceEvent(event).End()
	}
	return give(messages)
}

func (e *Edge) countLost(session, delivered, first uint64) {
	if first > delivered+1 {
		e.log.Warn("events lost", "session", session, "from", delivered+1, "to", first-1)
		e.metrics.EventsLost.Add(float64(first - 1 - delivered))
	}
}

func (e *Edge) encode(events []*busv1.Event) [][]byte {
	var messages [][]byte
	for _, event := range events {
		if message := janus.Event(event, nil, e.opt.OpaqueIDs); message != nil {
			messages = append(messages, message)
		}
	}
	return messages
}

// enlist has a new poll be woken when there is something new. A subscription is made and ended under the lock, so that no
// poll is left with one that has just ended: either only fills a buffer.
func (e *Edge) enlist(session uint64) (*poll, error) {
	p := &poll{id: e.newCommandID(), wake: make(chan struct{}, 1), surplus: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	all, ok := e.polled[session]
	if !ok {
		cancel, err := e.bus.Listen(session)
		if err != nil {
			return nil, fmt.Errorf("hear events of session %d: %w", session, err)
		}
		all = &polls{cancel: cancel}
		e.polled[session] = all
	}
	if len(all.waiting) >= e.opt.SessionPolls {
		close(all.waiting[0].surplus)
		all.waiting = all.waiting[1:]
	}
	all.waiting = append(all.waiting, p)
	e.metrics.Polls.Inc()
	return p, nil
}

func (e *Edge) dismiss(session uint64, p *poll) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.metrics.Polls.Dec()
	all := e.polled[session]
	if all == nil {
		return
	}
	all.waiting = slices.DeleteFunc(all.waiting, func(other *poll) bool { return other == p })
	if len(all.waiting) == 0 {
		all.cancel()
		delete(e.polled, session)
	} else {
		all.wakeAll() // one of them is the newest now
	}
}

// wakePolls has the polls of a session look into its log.
func (e *Edge) wakePolls(session uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if all := e.polled[session]; all != nil {
		all.wakeAll()
	}
}

func (p *polls) wakeAll() {
	for _, one := range p.waiting {
		select {
		case one.wake <- struct{}{}:
		default:
		}
	}
}
