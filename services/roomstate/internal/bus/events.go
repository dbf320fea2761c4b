package bus

import (
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// bundleBytes is when a Bundle is sent although there is more for its edge: well below what the bus carries.
const bundleBytes = 256 << 10

// Publish makes an event known to the edge that holds its session's socket.
func Publish(nc *nats.Conn, log *slog.Logger) func(event *busv1.Event) {
	return func(event *busv1.Event) {
		if err := bus.Publish(nc, bus.SessionEvents(event.GetSessionId()), event); err != nil {
			log.Debug("event not published", "session", event.GetSessionId(), "err", err)
		}
	}
}

// PublishRaised makes events known that were written together: to an edge that hears Bundles all at once, else each by itself.
func PublishRaised(nc *nats.Conn, log *slog.Logger) func(r *store.Raised) {
	return func(r *store.Raised) {
		bundles := map[string]*bundle{}
		for i := range r.Runs {
			run := &r.Runs[i]
			if run.Edge == "" {
				publishEach(nc, r, run, log)
				continue
			}
			b := bundles[run.Edge]
			if b == nil {
				b = &bundle{of: r, kinds: map[uint16]uint32{}}
				bundles[run.Edge] = b
			}
			b.add(run)
			if b.bytes > bundleBytes {
				b.send(nc, run.Edge, log)
				delete(bundles, run.Edge)
			}
		}
		for edge, b := range bundles {
			b.send(nc, edge, log)
		}
	}
}

// publishEach publishes the events of a run by themselves.
func publishEach(nc *nats.Conn, r *store.Raised, run *store.Run, log *slog.Logger) {
	for i := range run.Kinds {
		if err := nc.Publish(bus.SessionEvents(run.Session), r.Encoded(run, i)); err != nil {
			log.Debug("event not published", "session", run.Session, "err", err)
		}
	}
}

// bundle is a Bundle in the making.
type bundle struct {
	of      *store.Raised
	runs    []*store.Run
	message busv1.Bundle
	kinds   map[uint16]uint32 // where they are in it
	bytes   int
}

func (b *bundle) add(run *store.Run) {
	to := &busv1.Bundle_Run{To: run.To, First: run.First, Kinds: make([]uint32, len(run.Kinds))}
	for i, k := range run.Kinds {
		at, ok := b.kinds[k]
		if !ok {
			at = uint32(len(b.message.GetKinds()))
			b.kinds[k] = at
			b.message.Kinds = append(b.message.Kinds, b.of.Kinds[k])
			b.bytes += len(b.of.Kinds[k])
		}
		to.Kinds[i] = at
	}
	b.message.Runs = append(b.message.Runs, to)
	b.runs = append(b.runs, run)
	b.bytes += len(run.To) + 4*len(run.Kinds)
}

// send publishes the bundle, or what is in it by itself if it has become too large with a run of large events.
func (b *bundle) send(nc *nats.Conn, edge string, log *slog.Logger) {
	err := bus.Publish(nc, edge, &b.message)
	if errors.Is(err, bus.ErrTooLarge) {
		for _, run := range b.runs {
			publishEach(nc, b.of, run, log)
		}
		return
	}
	if err != nil {
		log.Debug("events not published", "edge", edge, "sessions", len(b.runs), "err", err)
	}
}
