// Package bus connects an edge to NATS.
package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

const (
	again       = time.Second // a command without an answer is sent again after
	eventsQueue = 1 << 16     // events of all sessions that wait for the edge; those beyond are fetched by Resume
)

// Bus is an edge's connection.
type Bus struct {
	nc       *nats.Conn
	requests *bus.Requester
	events   chan *nats.Msg
	log      *slog.Logger
}

// New uses nc until Close.
func New(nc *nats.Conn, log *slog.Logger) (*Bus, error) {
	requests, err := bus.NewRequester(nc, again)
	if err != nil {
		return nil, err
	}
	return &Bus{nc: nc, requests: requests, events: make(chan *nats.Msg, eventsQueue), log: log}, nil
}

// Close fails what waits for an answer.
func (b *Bus) Close() error { return b.requests.Close() }

// Run gives the events of subscribed sessions to hear, one after another, until ctx ends.
func (b *Bus) Run(ctx context.Context, hear func(*busv1.Event)) {
	for {
		select {
		case m := <-b.events:
			var ev busv1.Event
			if err := proto.Unmarshal(m.Data, &ev); err != nil {
				b.log.Warn("event is no event", "subject", m.Subject, "err", err)
				continue
			}
			hear(&ev)
		case <-ctx.Done():
			return
		}
	}
}

// Do implements edge.Bus.
func (b *Bus) Do(ctx context.Context, cmd *busv1.Command, accepted func()) (*busv1.Reply, error) {
	return b.requests.Do(ctx, bus.Commands, cmd, accepted)
}

// Subscribe implements edge.Bus.
func (b *Bus) Subscribe(session uint64) (func(), error) {
	sub, err := b.nc.ChanSubscribe(bus.SessionEvents(session), b.events)
	if err != nil {
		return nil, fmt.Errorf("subscribe to events: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

// Resume implements edge.Bus.
func (b *Bus) Resume(ctx context.Context, session, after uint64) ([]*busv1.Event, error) {
	request, err := proto.Marshal(&busv1.Resume{SessionId: session, After: after})
	if err != nil {
		return nil, fmt.Errorf("encode resume: %w", err)
	}
	m, err := b.nc.RequestWithContext(ctx, bus.Resumes, request)
	if err != nil {
		return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("resume: %w", err))
	}
	var events busv1.Events
	if err := proto.Unmarshal(m.Data, &events); err != nil {
		return nil, fmt.Errorf("decode events: %w", err)
	}
	return events.GetEvents(), nil
}

// Info implements edge.Bus.
func (b *Bus) Info(ctx context.Context) (json.RawMessage, error) {
	m, err := b.nc.RequestWithContext(ctx, bus.Info, nil)
	if err != nil {
		return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("info: %w", err))
	}
	return m.Data, nil
}
