package edge

import (
	"context"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

const (
	// patience is how long an event may be on its way before it is fetched.
	patience = 60 * time.Millisecond
	// maxEarly bounds the events that wait for one before them; beyond, the log is asked.
	maxEarly = 1024
)

// session is a session whose owner is, or is about to be, a socket of this edge. All but id, edge, lane and
// delivered belong to the lane's tasks.
type session struct {
	id        uint64
	edge      *Edge
	lane      lane
	delivered atomic.Uint64 // number of the last event that was sent

	owner    *Client // nil before create or claim has succeeded, and when its socket has closed during a claim
	cancel   func()  // ends the subscription
	gone     bool
	had      bool   // an owner: delivered tells what it was given
	holding  bool   // released for a claim elsewhere: events wait for its outcome
	claiming bool   // a claim of this edge is under way: events wait for its answer
	since    uint64 // number of the last event when the owner claimed: a move up to then is no news
	newest   uint64
	early    map[uint64]Heard
	fetching bool
	waiters  []waiter
}

// waiter is told when event number has been sent, or will not be.
type waiter struct {
	number uint64
	done   chan struct{}
}

func newSession(e *Edge, id uint64) *session {
	return &session{id: id, edge: e, lane: lane{wg: &e.wg}, early: map[uint64]Heard{}}
}

// run does task in the lane and waits for it.
func (s *session) run(task func()) {
	done := make(chan struct{})
	s.lane.post(func() { defer close(done); task() })
	<-done
}

func (s *session) subscribed(cancel func()) {
	if s.gone {
		cancel()
		return
	}
	s.cancel = cancel
}

// drop forgets the session here.
func (s *session) drop() {
	if s.gone {
		return
	}
	s.gone = true
	if s.cancel != nil {
		s.cancel()
	}
	if s.owner != nil {
		s.owner.disown(s)
		s.owner = nil
	}
	s.edge.forget(s)
	s.edge.forgetDelivery(s)
	s.release(1<<64 - 1)
}

// take makes c the owner. A socket that has closed meanwhile loses the session at once.
func (s *session) take(c *Client) {
	if s.gone {
		return
	}
	if s.owner != nil && s.owner != c {
		s.owner.disown(s)
	}
	s.owner, s.had = c, true
	if !c.own(s) {
		s.lose(c)
		return
	}
	s.flush()
}

// lose is called when the socket of an owner has closed.
func (s *session) lose(c *Client) {
	if s.owner != c || s.gone {
		return
	}
	cmd := &busv1.Command{
		Id: s.edge.newCommandID(), SessionId: s.id, Delivered: s.delivered.Load(),
		Socket: &busv1.Socket{Edge: s.edge.opt.Name, Id: c.socket.ID(), Remote: c.socket.Remote()},
		Verb:   &busv1.Command_Lost{Lost: &busv1.Lost{ByEdge: s.edge.closing.Load()}},
	}
	s.owner.disown(s)
	s.owner = nil
	s.edge.forgetDelivery(s)
	s.release(1<<64 - 1)
	s.edge.lanes.post(laneKey{session: s.id}, func() {
		ctx, cancel := context.WithTimeout(s.edge.ctx, s.edge.opt.AnswerTimeout)
		defer cancel()
		if _, err := s.edge.bus.Do(ctx, cmd, nil); err != nil && fault.Of(err) != fault.SessionNotFound {
			s.edge.log.Warn("socket loss not told", "session", s.id, "err", err)
		}
		// Until now a claim could ask here what the endpoint was given.
		s.run(func() {
			if s.owner == nil && !s.claiming {
				s.drop()
			}
		})
	})
}

// heldFor is how long a session waits for a claim elsewhere to succeed, until its events go on here.
const heldFor = 3 * time.Second

// letGo stops the events of a session that is being claimed elsewhere. If that claim fails, they go on.
func (s *session) letGo() (delivered uint64, ok bool) {
	if s.gone || !s.had {
		return 0, false
	}
	if !s.holding {
		s.holding = true
		s.edge.wg.Go(func() {
			select {
			case <-time.After(heldFor):
			case <-s.edge.ctx.Done():
			}
			s.lane.post(func() { s.holding = false; s.flush() })
		})
	}
	return s.delivered.Load(), true
}

func (s *session) claimFailed() {
	s.claiming = false
	if s.owner == nil {
		s.drop()
		return
	}
	s.flush()
}

// claimed makes c the owner, after the claim's answer has been sent. missed are events that the log still has.
func (s *session) claimed(c *Client, missed []*busv1.Event, last uint64) {
	s.claiming, s.holding, s.since = false, false, last
	if !s.had { // nothing has been sent from here: the log says where to go on
		from := last
		if len(missed) > 0 {
			from = missed[0].GetNumber() - 1
		}
		s.delivered.Store(from)
		maps.DeleteFunc(s.early, func(number uint64, _ Heard) bool { return number <= from })
	}
	for _, ev := range missed {
		s.keep(Heard{Event: ev})
	}
	s.newest = max(s.newest, last)
	s.take(c)
}

// hear takes events from the bus.
func (s *session) hear(evs ...Heard) {
	for _, ev := range evs {
		if s.gone {
			return
		}
		if ended := ev.GetEnded() != nil; ended && !s.ends(ev.Event) {
			continue // of an earlier session
		} else if s.ends(ev.Event) && (ended || !s.claiming) {
			s.drop() // what comes before a move is the other edge's to send
			return
		}
		s.keep(ev)
	}
	s.flush()
}

// ends is true of an event after which nothing more is to be sent from here.
func (s *session) ends(ev *busv1.Event) bool {
	switch kind := ev.GetKind().(type) {
	case *busv1.Event_Ended:
		// What a command of this edge has ended is forgotten already, and the id may be another session's by now.
		return !strings.HasPrefix(ev.GetCommandId(), s.edge.commands)
	case *busv1.Event_Moved:
		return s.owner != nil && ev.GetNumber() > s.since && kind.Moved.GetOwner().GetId() != s.owner.socket.ID()
	}
	return false
}

func (s *session) keep(ev Heard) {
	s.newest = max(s.newest, ev.GetNumber())
	if ev.GetNumber() > s.delivered.Load() && len(s.early) < maxEarly {
		s.early[ev.GetNumber()] = ev
	}
}

// flush sends what is in turn, and fetches what is missing if it does not come by itself.
func (s *session) flush() {
	if s.owner == nil || s.holding || s.claiming || s.owner.hasClosed() {
		return
	}
	owner, sent := s.owner, false
	for !s.gone {
		number := s.delivered.Load() + 1
		ev, ok := s.early[number]
		if !ok {
			break
		}
		delete(s.early, number)
		s.send(ev)
		sent = true
	}
	if sent && !s.gone {
		s.edge.noteDelivery(s, owner.socket)
	}
	s.release(s.delivered.Load())
	if !s.gone && s.newest > s.delivered.Load() && !s.fetching {
		s.fetching = true
		s.edge.wg.Go(s.fetchMissing)
	}
}

func (s *session) send(ev Heard) {
	s.edge.ackFirst(ev.Event)
	owner := s.owner
	if message := janus.Event(ev.Event, ev.Said, s.edge.opt.OpaqueIDs); message != nil {
		span := s.edge.traceEvent(ev.Event)
		owner.socket.Send(message)
		span.End()
	}
	s.delivered.Store(ev.GetNumber())
	if ev.GetTimedOut() != nil || s.ends(ev.Event) {
		s.drop()
	}
}

// fetchMissing waits a little for events on their way, then asks the log for them.
func (s *session) fetchMissing() {
	select {
	case <-time.After(patience):
	case <-s.edge.ctx.Done():
		return
	}
	var events []*busv1.Event
	var err error
	var missing bool
	var after uint64
	s.run(func() { after = s.delivered.Load(); missing = !s.gone && s.newest > after })
	if missing {
		ctx, cancel := context.WithTimeout(s.edge.ctx, 5*time.Second)
		defer cancel()
		s.edge.metrics.Resumes.Inc()
		events, err = s.edge.bus.Resume(ctx, s.id, after)
	}
	s.lane.post(func() {
		s.fetching = false
		if s.gone {
			return
		}
		for _, ev := range events {
			s.keep(Heard{Event: ev})
		}
		// The log is bounded: what it no longer has is lost, and the endpoint goes on with what it has.
		if len(events) > 0 && events[0].GetNumber() > after+1 {
			s.edge.log.Warn("events lost", "session", s.id, "from", after+1, "to", events[0].GetNumber()-1)
			s.edge.metrics.EventsLost.Add(float64(events[0].GetNumber() - 1 - after))
			s.delivered.Store(max(s.delivered.Load(), events[0].GetNumber()-1))
		}
		if missing && err == nil && len(events) == 0 {
			s.release(s.newest) // neither on its way nor in the log: nothing will come
			s.newest = s.delivered.Load()
		}
		s.flush()
	})
}

// awaitEvent returns when the event of that number has been sent to the owner, if the owner is here, or ctx ends.
func (s *session) awaitEvent(ctx context.Context, number uint64) {
	if s.delivered.Load() >= number {
		return
	}
	w := waiter{number, make(chan struct{})}
	s.lane.post(func() {
		if s.gone || s.owner == nil {
			close(w.done)
			return
		}
		s.newest = max(s.newest, number)
		s.waiters = append(s.waiters, w)
		s.flush()
	})
	select {
	case <-w.done:
	case <-ctx.Done():
	}
}

func (s *session) release(upTo uint64) {
	rest := s.waiters[:0]
	for _, w := range s.waiters {
		if w.number <= upTo {
			close(w.done)
		} else {
			rest = append(rest, w)
		}
	}
	s.waiters = rest
}
