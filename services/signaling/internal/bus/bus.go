// Package bus connects an edge to NATS.
package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

const (
	again       = 500 * time.Millisecond // a command without an answer is sent again after
	releaseWait = 300 * time.Millisecond
	eventsQueue = 1 << 16 // events of all sessions that wait for the edge; those beyond are fetched by Resume
)

// Bus is an edge's connection.
type Bus struct {
	nc       *nats.Conn
	requests *bus.Requester
	events   chan *nats.Msg
	bundles  *nats.Subscription
	log      *slog.Logger
}

// New uses nc until Close.
func New(nc *nats.Conn, log *slog.Logger) (*Bus, error) {
	requests, err := bus.NewRequester(nc, again)
	if err != nil {
		return nil, err
	}
	b := &Bus{nc: nc, requests: requests, events: make(chan *nats.Msg, eventsQueue), log: log}
	if b.bundles, err = nc.ChanSubscribe(bus.EdgeEvents(bus.NewCommandID()), b.events); err != nil {
		_ = requests.Close()
		return nil, fmt.Errorf("subscribe to bundles of events: %w", err)
	}
	return b, nil
}

// Close fails what waits for an answer.
func (b *Bus) Close() error {
	return errors.Join(b.bundles.Unsubscribe(), b.requests.Close())
}

// Bundles is the subject on which events of several sessions come at once.
func (b *Bus) Bundles() string { return b.bundles.Subject }

// Listener is who hears of subscribed sessions.
type Listener interface {
	Hear(ev *busv1.Event)
	// HearRun is told events of one session, at least one and in order.
	HearRun(evs ...edge.Heard)
	HearRelease(session uint64) (delivered uint64, ok bool)
}

// Run gives what is heard of subscribed sessions to l, one thing after another, until ctx ends.
func (b *Bus) Run(ctx context.Context, l Listener) {
	for {
		select {
		case m := <-b.events:
			b.hear(m, l)
		case <-ctx.Done():
			return
		}
	}
}

func (b *Bus) hear(m *nats.Msg, l Listener) {
	if m.Reply != "" { // only SessionRelease is a request
		var session uint64
		if _, err := fmt.Sscanf(m.Subject, bus.ReleasePattern, &session); err != nil {
			b.log.Warn("request is no release", "subject", m.Subject, "err", err)
			return
		}
		if delivered, ok := l.HearRelease(session); ok {
			if err := bus.Publish(b.nc, m.Reply, &busv1.Released{Delivered: delivered}); err != nil {
				b.log.Warn("release not answered", "session", session, "err", err)
			}
		}
		return
	}
	if m.Subject == b.Bundles() {
		if err := hearBundle(m.Data, l); err != nil {
			b.log.Warn("message is no Bundle", "subject", m.Subject, "err", err)
		}
		return
	}
	ev := new(busv1.Event)
	if err := proto.Unmarshal(m.Data, ev); err != nil {
		b.log.Warn("event is no event", "subject", m.Subject, "err", err)
		return
	}
	l.Hear(ev)
}

// hearBundle takes a Bundle apart. Of one that is malformed, what comes before the fault has been heard.
func hearBundle(data []byte, l Listener) error {
	var bundle busv1.Bundle
	if err := proto.Unmarshal(data, &bundle); err != nil {
		return err
	}
	kinds := make([]*busv1.Event, len(bundle.GetKinds()))
	said := make([]*janus.Said, len(kinds))
	for i, data := range bundle.GetKinds() {
		kinds[i] = new(busv1.Event)
		if err := proto.Unmarshal(data, kinds[i]); err != nil {
			return err
		}
		said[i] = janus.Say(kinds[i])
	}
	for _, run := range bundle.GetRuns() {
		var to busv1.Event
		if err := proto.Unmarshal(run.GetTo(), &to); err != nil {
			return err
		}
		evs := make([]edge.Heard, len(run.GetKinds()))
		for i, kind := range run.GetKinds() {
			if kind >= uint32(len(kinds)) {
				return fmt.Errorf("kind %d of %d", kind, len(kinds))
			}
			evs[i] = edge.Heard{Said: said[kind], Event: &busv1.Event{
				Number: run.GetFirst() + uint64(i), SessionId: to.GetSessionId(), HandleId: to.GetHandleId(), CommandId: to.GetCommandId(),
				Transaction: to.GetTransaction(), OpaqueId: to.GetOpaqueId(), Traceparent: to.GetTraceparent(), Kind: kinds[kind].GetKind(),
			}}
		}
		if len(evs) > 0 {
			l.HearRun(evs...)
		}
	}
	return nil
}

// Do implements edge.Bus.
func (b *Bus) Do(ctx context.Context, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error) {
	return b.requests.Do(ctx, bus.Commands, cmd, accepted)
}

// Subscribe implements edge.Bus.
func (b *Bus) Subscribe(session uint64) (func(), error) {
	return b.subscribe(bus.SessionEvents(session), bus.SessionRelease(session))
}

// Listen implements edge.Bus.
func (b *Bus) Listen(session uint64) (func(), error) { return b.subscribe(bus.SessionEvents(session)) }

func (b *Bus) subscribe(subjects ...string) (func(), error) {
	var subs []*nats.Subscription
	cancel := func() {
		for _, sub := range subs {
			_ = sub.Unsubscribe()
		}
	}
	for _, subject := range subjects {
		sub, err := b.nc.ChanSubscribe(subject, b.events)
		if err != nil {
			cancel()
			return nil, fmt.Errorf("subscribe to events: %w", err)
		}
		subs = append(subs, sub)
	}
	return cancel, nil
}

// Release implements edge.Bus.
func (b *Bus) Release(ctx context.Context, session uint64) uint64 {
	ctx, cancel := context.WithTimeout(ctx, releaseWait)
	defer cancel()
	m, err := b.nc.RequestWithContext(ctx, bus.SessionRelease(session), nil)
	if err != nil {
		return 0 // no edge holds it, or one that does not answer: the log knows what it was last told
	}
	var released busv1.Released
	if err := proto.Unmarshal(m.Data, &released); err != nil {
		return 0
	}
	return released.GetDelivered()
}

// Resume implements edge.Bus.
func (b *Bus) Resume(ctx context.Context, session, after uint64) ([]*busv1.Event, error) {
	request, err := proto.Marshal(&busv1.Resume{SessionId: session, After: after})
	if err != nil {
		return nil, fmt.Errorf("encode resume: %w", err)
	}
	m, err := b.ask(ctx, bus.Resumes, request)
	if err != nil {
		return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("resume: %w", err))
	}
	var events busv1.Events
	if err := proto.Unmarshal(m.Data, &events); err != nil {
		return nil, fmt.Errorf("decode events: %w", err)
	}
	return events.GetEvents(), nil
}

// Tell implements edge.Bus.
func (b *Bus) Tell(all []*busv1.Delivery) {
	if err := bus.Publish(b.nc, bus.Deliveries, &busv1.Deliveries{All: all}); err != nil {
		b.log.Debug("deliveries not told", "err", err)
	}
}

// ask sends a question until it is answered or ctx ends: the replica that the bus chooses may have been stopped.
func (b *Bus) ask(ctx context.Context, subject string, question []byte) (*nats.Msg, error) {
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, again)
		m, err := b.nc.RequestWithContext(try, subject, question)
		cancel()
		if err == nil {
			return m, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// Info implements edge.Bus.
func (b *Bus) Info(ctx context.Context) (json.RawMessage, error) {
	m, err := b.ask(ctx, bus.Info, nil)
	if err != nil {
		return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("info: %w", err))
	}
	return m.Data, nil
}
