package events

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// queueBytes bounds what waits for one destination, beside the number of events.
	queueBytes = 32 << 20
	// farewell is how long what waits may still be delivered when the process ends.
	farewell = 2 * time.Second
)

// Why events are dropped, as a metric says it.
const (
	queueFull    = "queue full"
	shutdown     = "shutdown"
	refused      = "refused"       // the backend's final answer
	retries      = "retries"       // all of them failed
	notPublished = "not published" // NATS's client did not take it
)

// Publisher is a *nats.Conn.
type Publisher interface {
	Publish(subject string, data []byte) error
}

// Emitter delivers a process's events. Nil is one that has nothing to do.
type Emitter struct {
	cfg          Config
	process      string
	mask         atomic.Uint32 // a Mask
	log          *slog.Logger
	destinations []*destination
	delivered    *prometheus.CounterVec
	dropped      *prometheus.CounterVec
}

// destination is one place where events go.
type destination struct {
	name  string // nats or http
	queue *queue
	// send delivers what is queued, in order, until ctx ends, and then what it can until farewell ends.
	send func(ctx, farewell context.Context, q *queue)
}

// New makes an emitter for a process of that name; nil, if the settings want no events. Run is to be called.
func New(cfg Config, process string, nc Publisher, r prometheus.Registerer, log *slog.Logger) (*Emitter, error) {
	if !cfg.On() {
		return nil, nil
	}
	mask, err := ParseMask(cfg.Mask)
	if err != nil {
		return nil, err
	}
	e := &Emitter{
		cfg: cfg, process: process, log: log,
		delivered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cardea_events_delivered_total", Help: "Events for event handlers that were delivered, by destination.",
		}, []string{"to"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cardea_events_dropped_total", Help: "Events for event handlers that were dropped, by destination and reason.",
		}, []string{"to", "reason"}),
	}
	e.mask.Store(uint32(mask))
	r.MustRegister(e.delivered, e.dropped)
	if cfg.Subject != "" {
		e.add("nats", (&subject{emitter: e, conn: nc, name: cfg.Subject}).run, queueFull, shutdown, notPublished)
	}
	if cfg.Backend != "" {
		b, err := newBackend(e, cfg)
		if err != nil {
			return nil, err
		}
		e.add("http", b.run, queueFull, shutdown, refused, retries)
	}
	return e, nil
}

// add sets the counters of the reasons to 0: increase() misses the first of a series that comes with it.
func (e *Emitter) add(name string, send func(ctx, farewell context.Context, q *queue), reasons ...string) {
	for _, reason := range reasons {
		e.drop(name, reason, 0)
	}
	e.destinations = append(e.destinations, &destination{name: name, queue: newQueue(e.cfg.Queue, queueBytes), send: send})
}

// Wants tells whether events of a type go anywhere, so that others need not be made.
func (e *Emitter) Wants(t Type) bool { return e != nil && Mask(e.mask.Load()).Wants(t) }

// Emit has an event delivered, and never waits. Events of the core are about a process, so they tell which.
func (e *Emitter) Emit(ev Event) {
	if !e.Wants(ev.Type) {
		return
	}
	ev.Emitter = e.cfg.Emitter
	if ev.Type == Core {
		ev.Emitter += "/" + e.process
	}
	if ev.Timestamp == 0 {
		ev.Timestamp = time.Now().UnixMicro()
	}
	data, err := json.Marshal(ev)
	if err != nil {
		e.log.Error("event not encoded", "type", ev.Type, "subtype", ev.Subtype, "err", err)
		return
	}
	for _, d := range e.destinations {
		if !d.queue.put(data) {
			e.drop(d.name, queueFull, 1)
		}
	}
}

func (e *Emitter) drop(to, reason string, n int) {
	e.dropped.WithLabelValues(to, reason).Add(float64(n))
}

// Run delivers until ctx ends, and what waits then for a moment more.
func (e *Emitter) Run(ctx context.Context) {
	if e == nil {
		<-ctx.Done()
		return
	}
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(farewell, cancel) })()
	var wg sync.WaitGroup
	for _, d := range e.destinations {
		wg.Go(func() {
			d.send(ctx, last, d.queue)
			e.drop(d.name, shutdown, d.queue.len())
		})
	}
	wg.Wait()
}

// drain calls send with what is queued, some at a time, until ctx has ended and nothing is left, or farewell has ended.
func drain(ctx, farewell context.Context, q *queue, most, mostBytes int, send func(batch [][]byte)) {
	for {
		batch := q.take(most, mostBytes)
		if len(batch) > 0 && farewell.Err() == nil {
			send(batch)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
	}
}

// Dropped counts n events that could not be made; 0, once at the start, has the counter be there before the first.
func (e *Emitter) Dropped(reason string, n int) {
	if e == nil {
		return
	}
	for _, d := range e.destinations {
		e.drop(d.name, reason, n)
	}
}
