// Package edge gives Janus requests to roomstate and a session's events to its socket, each in order. It knows the
// core of the Janus API and no plugin.
package edge

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
	"github.com/cardea-rtc/cardea/services/signaling/internal/limit"
)

// Bus is the way to roomstate.
type Bus interface {
	// Do sends cmd until its final reply comes or ctx ends. accepted is called, at most once and before Do
	// returns, when an asynchronous message has begun.
	Do(ctx context.Context, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error)
	// Subscribe has the events of a session come to Edge.Hear.
	Subscribe(session uint64) (cancel func(), err error)
	// Listen has the events of a session come to Edge.Hear, although no socket of this edge owns it.
	Listen(session uint64) (cancel func(), err error)
	// Resume returns the events of a session that follow a number, oldest first.
	Resume(ctx context.Context, session, after uint64) ([]*busv1.Event, error)
	// Release asks the edge that holds a session to stop sending its events, and returns the number of the last one
	// that it sent: 0 if no edge answers at once.
	Release(ctx context.Context, session uint64) (delivered uint64)
	// Tell says what sockets have taken. It does not wait; what is lost is told again with the next events.
	Tell(all []*busv1.Delivery)
	// Info returns what roomstate contributes to an info request, a JSON object.
	Info(ctx context.Context) (json.RawMessage, error)
}

// Socket is one connection of an endpoint.
type Socket interface {
	ID() string     // unique in the cluster
	Remote() string // the endpoint's address, for people
	// Send queues a message. It never waits: a socket that does not keep up is closed instead.
	Send(message []byte)
	// Drained tells whether all that was sent has been taken by the endpoint's side of the connection, as far as can be known.
	Drained() bool
}

// Options are what an edge can be told.
type Options struct {
	Name           string
	Bundles        string // the subject on which it hears of several sessions at once
	Auth           Auth
	Info           json.RawMessage // this edge's part of server_info
	AnswerTimeout  time.Duration   // how long a request may wait for roomstate
	SocketPending  int             // requests under way on one socket, before its next is read
	SocketSessions int             // sessions that one socket may own
	Sessions       int             // sessions that all sockets together may own
	SessionPolls   int             // long polls of one session at a time; a further one ends the oldest
	PollTime       time.Duration   // after which a long poll without events is answered
	OpaqueIDs      bool            // endpoints are told those of handles
	Events         *events.Emitter // for event handlers; may be nil
	Holds          janus.Limits    // what a request may hold
	SessionPending int             // requests of one session under way here; 0 for any
	SessionRate    int             // requests a second of one session here, and of one socket that are of none; 0 for any
	Refusals       *limit.Refusals // of what is too much
	Traces         *traces.Tracer  // may be nil
}

// Edge connects sockets and roomstate.
type Edge struct {
	bus      Bus
	opt      Options
	log      *slog.Logger
	metrics  *Metrics
	ctx      context.Context // ends with the edge
	end      context.CancelFunc
	wg       sync.WaitGroup
	lanes    *lanes
	trickled *limit.Tally[laneKey] // candidates of handles since their last offer or answer
	commands string                // what the ids of this edge's commands begin with
	closing  atomic.Bool
	drained  chan struct{} // closed by Drain
	turns    *limit.Table[asker]
	refusals *rate.Limiter // of log lines about requests that were refused

	sockets atomic.Int64 // WebSockets that are open

	deliveries deliveries

	mu       sync.Mutex
	silent   map[string]bool // transports of which event handlers hear nothing
	sessions map[uint64]*session
	acks     map[string]func(plugin string) // by command id: sends the ack, if it has not been sent
	polled   map[uint64]*polls
}

// New makes an edge; Close ends it.
func New(b Bus, opt Options, metrics *Metrics, log *slog.Logger) *Edge {
	e := &Edge{
		bus: b, opt: opt, log: log, metrics: metrics,
		sessions: map[uint64]*session{}, acks: map[string]func(string){}, refusals: rate.NewLimiter(5, 20),
		commands: bus.NewCommandID() + "-", polled: map[uint64]*polls{}, silent: map[string]bool{}, drained: make(chan struct{}),
		turns: limit.NewTable[asker](opt.SessionPending, opt.SessionRate), trickled: limit.NewTally[laneKey](),
	}
	e.ctx, e.end = context.WithCancel(context.Background())
	e.lanes = newLanes(&e.wg)
	return e
}

// newCommandID returns an id that tells this edge's commands from others'.
func (e *Edge) newCommandID() string { return e.commands + bus.NewCommandID() }

// Drain has sockets that close from now on leave their sessions to be claimed on another edge: it is the edge
// that goes, not the endpoint. Roomstate is told only what they were given. Long polls are answered now.
func (e *Edge) Drain() {
	if !e.closing.Swap(true) {
		close(e.drained)
	}
}

// farewell is how long Close lets what is under way go on: above all the word of what each session was given.
const farewell = 2 * time.Second

// Close gives up what is under way and waits for it.
func (e *Edge) Close() {
	e.Drain()
	defer e.wg.Wait()
	defer e.end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.wg.Wait()
	}()
	select {
	case <-done:
	case <-time.After(farewell):
	}
}

// Heard is an event that an edge has heard of.
type Heard struct {
	*busv1.Event
	Said *janus.Said // what it has in common with events of others, written once; nil if that is not known
}

// Hear takes an event of a session that Bus.Subscribe or Bus.Listen asked for.
func (e *Edge) Hear(ev *busv1.Event) { e.HearRun(Heard{Event: ev}) }

// HearRun takes events of one session, at least one and in order; they may be of a session that is not held here.
func (e *Edge) HearRun(evs ...Heard) {
	session := evs[0].GetSessionId()
	e.wakePolls(session)
	if s := e.session(session); s != nil {
		s.lane.post(func() { s.hear(evs...) })
	}
}

// HearRelease is asked when the session is claimed on another edge: it stops its events here and returns the number of
// the last one that was sent. ok is false if the session is not held here.
func (e *Edge) HearRelease(session uint64) (delivered uint64, ok bool) {
	s := e.session(session)
	if s == nil {
		return 0, false
	}
	s.run(func() { delivered, ok = s.letGo() })
	return delivered, ok
}

func (e *Edge) session(id uint64) *session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions[id]
}

// hold returns the session, subscribed to its events; made says whether it was not known here before. The error is
// errTooManySessions if this edge has no room for another.
func (e *Edge) hold(id uint64) (s *session, made bool, err error) {
	e.mu.Lock()
	s, ok := e.sessions[id]
	if !ok {
		if len(e.sessions) >= e.opt.Sessions {
			e.mu.Unlock()
			return nil, false, errTooManySessions
		}
		s = newSession(e, id)
		e.sessions[id] = s
		e.metrics.Sessions.Set(float64(len(e.sessions)))
	}
	e.mu.Unlock()
	if ok {
		return s, false, nil
	}
	cancel, err := e.bus.Subscribe(id)
	if err != nil {
		s.run(s.drop)
		return nil, false, fmt.Errorf("hear events of session %d: %w", id, err)
	}
	s.lane.post(func() { s.subscribed(cancel) })
	return s, true, nil
}

// forget drops the session here; elsewhere it lives on.
func (e *Edge) forget(s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.id] == s {
		delete(e.sessions, s.id)
		e.metrics.Sessions.Set(float64(len(e.sessions)))
	}
}

// expectAck has ack be called before an event that answers the command is sent.
func (e *Edge) expectAck(command string, ack func(plugin string)) (done func()) {
	e.mu.Lock()
	e.acks[command] = ack
	e.mu.Unlock()
	return func() {
		e.mu.Lock()
		delete(e.acks, command)
		e.mu.Unlock()
	}
}

func (e *Edge) ackFirst(ev *busv1.Event) {
	if ev.GetCommandId() == "" {
		return
	}
	e.mu.Lock()
	ack := e.acks[ev.GetCommandId()]
	e.mu.Unlock()
	if ack != nil {
		ack(ev.GetPlugin().GetPlugin())
	}
}

// randomID returns an id from 1 to 2^53-1, which JavaScript can hold.
func randomID() uint64 {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if id := binary.LittleEndian.Uint64(b[:]) & (1<<53 - 1); id != 0 {
			return id
		}
	}
}
