package bus

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

const (
	// maxQueued is how many events of one peer wait for roomstate.
	maxQueued = 64
	// maxTexts is how many texts of one peer wait beside them, and maxTextBytes how long they are together. What comes then is
	// dropped.
	maxTexts     = 1024
	maxTextBytes = 1 << 20
	// redeliveries is how often an event that says where a peer is, or that it is not, is told again to a roomstate that could
	// not deal with it, and redeliverAfter when.
	redeliveries   = 20
	redeliverAfter = 500 * time.Millisecond
	// flushGrace is what events that wait are given when the node ends.
	flushGrace = 2 * time.Second
)

// requester is a bus.Requester.
type requester interface {
	Do(ctx context.Context, subject string, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error)
}

// Events delivers what a node says of its peers: those of one peer in order and one at a time, each repeated until
// roomstate answers. It implements node.Events.
type Events struct {
	node     string // its name
	nodeID   string // of this process
	requests requester
	traces   *traces.Tracer
	log      *slog.Logger
	dropped  atomic.Uint64
	ctx      context.Context // of deliveries
	cancel   context.CancelFunc
	wg       sync.WaitGroup // deliveries

	mu     sync.Mutex
	queues map[node.PeerID]*queue // those that have a delivery under way
	closed bool
}

// queue is what waits of one peer.
type queue struct {
	events []node.Event
	texts  int // among them
	bytes  int // of the texts
}

// put adds an event, and is false if there is no room for it, or only in the place of another.
func (q *queue) put(event node.Event) bool {
	if text, ok := event.(node.Text); ok {
		if q.texts >= maxTexts || q.bytes+len(text.Text) > maxTextBytes {
			return false
		}
		q.texts++
		q.bytes += len(text.Text)
		q.events = append(q.events, event)
		return true
	}
	full := len(q.events)-q.texts >= maxQueued
	if full {
		q.dropOne()
	}
	q.events = append(q.events, event)
	return !full
}

// dropOne takes out the oldest event that a later one makes up for.
func (q *queue) dropOne() {
	oldest := slices.IndexFunc(q.events, func(event node.Event) bool {
		switch event.(type) {
		case node.Up, node.Closed, node.Text, node.Moved, node.NotMoved:
			return false
		}
		return true
	})
	if oldest < 0 {
		oldest = slices.IndexFunc(q.events, func(event node.Event) bool { _, text := event.(node.Text); return !text })
	}
	q.events = slices.Delete(q.events, oldest, oldest+1)
}

// take returns the next.
func (q *queue) take() node.Event {
	event := q.events[0]
	q.events[0] = nil
	q.events = q.events[1:]
	if text, ok := event.(node.Text); ok {
		q.texts--
		q.bytes -= len(text.Text)
	}
	return event
}

// NewEvents delivers by requests, in the name of a node and of this process.
func NewEvents(nodeName, nodeID string, requests requester, tracer *traces.Tracer, log *slog.Logger) *Events {
	ctx, cancel := context.WithCancel(context.Background())
	return &Events{
		node: nodeName, nodeID: nodeID, requests: requests, traces: tracer, log: log, ctx: ctx, cancel: cancel, queues: map[node.PeerID]*queue{},
	}
}

// Dropped is how many events were given up, because roomstate did not take them in time.
func (e *Events) Dropped() uint64 { return e.dropped.Load() }

// Publish queues an event and returns at once.
func (e *Events) Publish(id node.PeerID, event node.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		e.dropped.Add(1)
		return
	}
	q := e.queues[id]
	busy := q != nil
	if !busy {
		q = new(queue)
		e.queues[id] = q
	}
	if !q.put(event) {
		e.dropped.Add(1)
	}
	if !busy {
		e.wg.Go(func() { e.deliver(id) })
	}
}

// deliver sends the events of one peer until none is left.
func (e *Events) deliver(id node.PeerID) {
	for {
		event, ok := e.take(id)
		if !ok {
			return
		}
		_, err := e.tell(id, event)
		switch {
		case e.ctx.Err() != nil:
			e.dropped.Add(1)
		case err != nil: // an answer as well: nobody waits for this event any more
			e.log.Log(e.ctx, refusalLevel(err), "event refused", "session", id.Session, "handle", id.ID, "reason", fault.Of(err), "err", err)
		}
	}
}

// tell has roomstate told of an event, again where it could not deal with one that matters for longer.
func (e *Events) tell(id node.PeerID, event node.Event) (reply *busv1.Reply, err error) {
	ctx, span := e.trace(id, event)
	defer span.End()
	for range redeliveries {
		reply, err = e.requests.Do(ctx, bus.Commands, command(e.node, e.nodeID, id, event), nil) // a command of its own
		if err == nil || !passing(err) || !lasts(event) {
			return reply, err
		}
		select {
		case <-e.ctx.Done():
			return nil, e.ctx.Err()
		case <-time.After(redeliverAfter):
		}
	}
	return reply, err
}

// trace begins a trace of an event: nobody asked for it, so it belongs to none.
func (e *Events) trace(id node.PeerID, event node.Event) (context.Context, trace.Span) {
	if e.traces == nil {
		return e.traces.Begin(e.ctx, "", trace.SpanKindInternal)
	}
	kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", event), "node."))
	return e.traces.Begin(e.ctx, "peer "+kind, trace.SpanKindInternal, append(traces.Janus(id.Session, id.ID), attribute.String("janus.peer_event", kind))...)
}

// lasts tells whether a room would be wrong for good without the event.
func lasts(event node.Event) bool {
	switch event.(type) {
	case node.Up, node.Closed, node.Moved, node.NotMoved:
		return true
	}
	return false
}

// passing tells whether roomstate may take later what it refuses with err now.
func passing(err error) bool {
	reason := fault.Of(err)
	return reason == fault.TooBusy || reason == fault.NodeUnavailable
}

func refusalLevel(err error) slog.Level {
	if passing(err) {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (e *Events) take(id node.PeerID) (node.Event, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.queues[id]
	if len(q.events) == 0 || e.ctx.Err() != nil {
		delete(e.queues, id)
		e.dropped.Add(uint64(len(q.events)))
		return nil, false
	}
	return q.take(), true
}

// Run waits until ctx ends, then gives what is queued a moment more.
func (e *Events) Run(ctx context.Context) {
	<-ctx.Done()
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	hurry := time.AfterFunc(flushGrace, e.cancel)
	e.wg.Wait()
	hurry.Stop()
	e.cancel()
}
