package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/traces"
)

// ErrClosed means that the Requester has been closed.
var ErrClosed = errors.New("requester closed")

const (
	// aloneFor is how many times a command is sent to one replica, whichever the bus chooses, until it is repeated to all of them:
	// the bus goes on choosing one that was stopped or cut off until it finds that out, which takes it seconds, or minutes.
	aloneFor = 2
	// toAllRate bounds how many commands a second are: when the store is slow, no command is answered soon, wherever it goes.
	toAllRate = 500
)

// Requester sends commands and hears their replies, all on one subscription.
type Requester struct {
	nc     *nats.Conn
	again  time.Duration
	toAll  *rate.Limiter
	prefix string // of reply subjects
	sub    *nats.Subscription
	next   atomic.Uint64
	closed chan struct{}

	mu      sync.Mutex
	waiting map[string]chan *busv1.Reply // by reply subject
}

// NewRequester hears replies on nc. A command without an answer is sent again each interval.
func NewRequester(nc *nats.Conn, again time.Duration) (*Requester, error) {
	r := &Requester{
		nc: nc, again: again, prefix: replies + rand.Text() + ".", toAll: rate.NewLimiter(toAllRate, toAllRate),
		closed: make(chan struct{}), waiting: map[string]chan *busv1.Reply{},
	}
	sub, err := nc.Subscribe(r.prefix+"*", r.hear)
	if err != nil {
		return nil, fmt.Errorf("subscribe to replies: %w", err)
	}
	r.sub = sub
	return r, nil
}

// Close fails what is still waiting.
func (r *Requester) Close() error {
	close(r.closed)
	return r.sub.Unsubscribe()
}

func (r *Requester) hear(m *nats.Msg) {
	var reply busv1.Reply
	if err := proto.Unmarshal(m.Data, &reply); err != nil {
		return // the command is sent again
	}
	r.mu.Lock()
	ch := r.waiting[m.Subject]
	r.mu.Unlock()
	select {
	case ch <- &reply: // a nil ch, of a command that has its answer, never takes one
	default: // a repeated answer to a repeated command
	}
}

// NewCommandID returns an id that no other command has.
func NewCommandID() string { return rand.Text() }

// Do sends cmd to subject, again and again with the same id, until its final reply comes or ctx ends, and then
// returns it; a Failure comes back as an error with its fault.Reason. accepted, if not nil, is called at most once,
// from Do, before it returns, if an Accepted came first, with the name of the plugin whose the message is. What is sent to
// Commands goes to all replicas in the end (Repeats), beside the one that the bus chooses: that may be one of a version that
// hears nothing else.
func (r *Requester) Do(ctx context.Context, subject string, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error) {
	ctx, span := traces.Start(ctx, "send "+subject, trace.SpanKindClient)
	defer span.End()
	if span.IsRecording() {
		span.SetAttributes(traces.Message("send", subject, cmd.GetId())...)
		cmd.Traceparent = traces.Parent(ctx)
	}
	data, err := encode(cmd)
	if err != nil {
		return nil, err
	}
	inbox := r.prefix + strconv.FormatUint(r.next.Add(1), 36)
	ch := make(chan *busv1.Reply, 16) // of several replicas, an Accepted and a final one each
	r.mu.Lock()
	r.waiting[inbox] = ch
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, inbox)
		r.mu.Unlock()
	}()

	again := time.NewTicker(r.again)
	defer again.Stop()
	for repeats := 0; ; repeats++ {
		if repeats > 0 {
			span.AddEvent("repeated")
		}
		// An error means that the bus is down: the next tick tries again.
		_ = r.nc.PublishRequest(subject, inbox, data)
		if subject == Commands && repeats >= aloneFor && r.toAll.Allow() {
			_ = r.nc.PublishRequest(Repeats, inbox, data)
		}
	wait:
		for {
			select {
			case reply := <-ch:
				if reply.GetCommandId() != cmd.GetId() {
					continue
				}
				if reply.GetAccepted() != nil {
					if accepted != nil {
						accepted(reply.GetAccepted().GetPlugin())
						accepted = nil
					}
					continue
				}
				return reply, Failure(reply)
			case <-again.C:
				break wait
			case <-ctx.Done():
				return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("no answer on %s: %w", subject, context.Cause(ctx)))
			case <-r.closed:
				return nil, ErrClosed
			}
		}
	}
}
