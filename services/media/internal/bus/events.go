package bus

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

const (
	// maxQueued is how many events of one peer wait for roomstate.
	maxQueued = 64
	// maxTexts is how many texts of one peer wait beside them. What comes then is dropped.
	maxTexts = 1024
	// flushGrace is what events that wait are given when the node ends.
	flushGrace = 2 * time.Second
)

// requester is a bus.Requester.
type requester interface {
	Do(ctx context.Context, subject string, cmd *busv1.Command, accepted func()) (*busv1.Reply, error)
}

// Events delivers what a node says of its peers: those of one peer in order and one at a time, each repeated until
// roomstate answers. It implements node.Events.
type Events struct {
	node     string
	requests requester
	log      *slog.Logger
	dropped  atomic.Uint64
	ctx      context.Context // of deliveries
	cancel   context.CancelFunc
	wg       sync.WaitGroup // deliveries

	mu     sync.Mutex
	queues map[node.PeerID][]node.Event // those that have a delivery under way
	closed bool
}

// NewEvents delivers by requests, in the name of a node.
func NewEvents(nodeName string, requests requester, log *slog.Logger) *Events {
	ctx, cancel := context.WithCancel(context.Background())
	return &Events{
		node: nodeName, requests: requests, log: log, ctx: ctx, cancel: cancel, queues: map[node.PeerID][]node.Event{},
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
	queue, busy := e.queues[id]
	_, text := event.(node.Text)
	texts := countTexts(queue)
	switch {
	case text && texts == maxTexts:
		e.dropped.Add(1)
		return
	case !text && len(queue)-texts == maxQueued:
		queue = dropOne(queue)
		e.dropped.Add(1)
	}
	e.queues[id] = append(queue, event)
	if !busy {
		e.wg.Go(func() { e.deliver(id) })
	}
}

func countTexts(queue []node.Event) int {
	texts := 0
	for _, event := range queue {
		if _, ok := event.(node.Text); ok {
			texts++
		}
	}
	return texts
}

// dropOne takes out the oldest event that a later one makes up for.
func dropOne(queue []node.Event) []node.Event {
	for i, event := range queue {
		switch event.(type) {
		case node.Up, node.Closed, node.Text:
		default:
			return append(queue[:i], queue[i+1:]...)
		}
	}
	return queue[1:]
}

// deliver sends the events of one peer until none is left.
func (e *Events) deliver(id node.PeerID) {
	for {
		event, ok := e.take(id)
		if !ok {
			return
		}
		_, err := e.requests.Do(e.ctx, bus.Commands, command(e.node, id, event), nil)
		switch {
		case e.ctx.Err() != nil:
			e.dropped.Add(1)
		case err != nil: // an answer as well: nobody waits for this event any more
			e.log.Debug("event refused", "session", id.Session, "handle", id.ID, "reason", fault.Of(err), "err", err)
		}
	}
}

func (e *Events) take(id node.PeerID) (node.Event, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	queue := e.queues[id]
	if len(queue) == 0 || e.ctx.Err() != nil {
		delete(e.queues, id)
		e.dropped.Add(uint64(len(queue)))
		return nil, false
	}
	e.queues[id] = queue[1:]
	return queue[0], true
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
