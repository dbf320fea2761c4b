package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/session"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

const (
	// atOnce bounds the commands under way in this replica that any could have taken, and as many of rooms. Those beyond
	// it wait their turn; none that is under way waits for one that is not.
	atOnce = 128
	// taken bounds those under way and waiting. Taken rather than left to NATS, they are known, and what their senders
	// repeat meanwhile does not add to the load.
	taken = 16384
	// commandTime bounds the work on one command.
	commandTime = 10 * time.Second
	// acceptAfter is how long a command may take to be carried out until its sender is told that it has been accepted. Most are done
	// by then, and one word is enough.
	acceptAfter = 50 * time.Millisecond
	// pending and pendingBytes are what NATS keeps for us beyond that, per subscription. What comes then is dropped, and
	// repeated by its sender.
	pending      = 65536
	pendingBytes = 64 << 20
)

// Counters are told what happens to commands.
type Counters interface {
	Command(verb, outcome string, took time.Duration)
	// Waited tells how long a message waited for others to be done with.
	Waited(time.Duration)
	Dropped(why Drop, messages int)
}

// Drop says in a metric why messages were not taken or sent.
type Drop string

// The reasons.
const (
	overflow  Drop = "overflow"  // more than NATS keeps for this replica
	malformed Drop = "malformed" // what no service of this version says
	unsent    Drop = "text"      // of a TextRoom, for a node, that NATS did not take
)

// Drops lists all of them, for counters that are to be there before the first.
func Drops() []Drop { return []Drop{overflow, malformed, unsent} }

// Server serves commands.
type Server struct {
	Conn     *nats.Conn
	Sessions *session.Service
	Owner    *Owner
	Counters Counters
	// Info returns what this service contributes to an info request, a JSON object.
	Info func(ctx context.Context) ([]byte, error)
	Log  *slog.Logger
	// Traces goes on with the traces of commands; it may be nil.
	Traces *traces.Tracer

	anywhere *lane           // of what any replica could have taken
	inRooms  *lane           // of what concerns the rooms that this replica owns
	ctx      context.Context // of the work on commands
	cancel   context.CancelFunc
	subs     []*nats.Subscription

	mu       sync.Mutex
	underway map[string]bool // ids of commands taken
}

// Start subscribes to what any replica takes.
func (s *Server) Start(ctx context.Context) error {
	s.anywhere, s.inRooms = newLane(), newLane()
	s.underway = map[string]bool{}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, to := range []struct {
		subject, queue string
		hear           nats.MsgHandler
	}{
		{bus.Commands, bus.CommandsQueue, s.hear},
		{bus.Repeats, "", s.hear},
		{bus.Resumes, bus.CommandsQueue, s.resume},
		{bus.Deliveries, bus.CommandsQueue, s.delivered},
		{bus.Info, bus.CommandsQueue, s.tellInfo},
	} {
		sub, err := s.subscribe(to.subject, to.queue, to.hear)
		if err != nil {
			return err
		}
		s.subs = append(s.subs, sub)
	}
	return nil
}

// subscribe has hear called with a subject's messages, one after another. With a queue, each goes to one replica only.
func (s *Server) subscribe(subject, queue string, hear nats.MsgHandler) (*nats.Subscription, error) {
	dropped := 0 // that have been counted
	sub, err := s.Conn.QueueSubscribe(subject, queue, func(m *nats.Msg) {
		if all, err := m.Sub.Dropped(); err == nil && all > dropped {
			s.Counters.Dropped(overflow, all-dropped)
			dropped = all
		}
		hear(m)
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	if err := sub.SetPendingLimits(pending, pendingBytes); err != nil {
		return nil, fmt.Errorf("subscription to %s: %w", subject, err)
	}
	return sub, nil
}

// Stop takes no more commands, not those that wait either, and waits for those under way, but not longer than grace.
func (s *Server) Stop(grace time.Duration) {
	for _, sub := range s.subs {
		_ = sub.Unsubscribe()
	}
	s.anywhere.end()
	s.inRooms.end()
	timer := time.AfterFunc(grace, s.cancel)
	s.anywhere.join()
	s.inRooms.join()
	timer.Stop()
	s.cancel()
}

// hear takes a command that any replica may get.
func (s *Server) hear(m *nats.Msg) {
	s.serve(m, s.anywhere, func(ctx context.Context, cmd *busv1.Command) (*busv1.Reply, error) {
		cmd.Routed = nil // roomstate's own
		var later *time.Timer
		var accepted func()
		reply, err := s.Sessions.Do(ctx, cmd, func(of string) {
			accepted = sync.OnceFunc(func() {
				s.reply(m, cmd, &busv1.Reply{Outcome: &busv1.Reply_Accepted{Accepted: &busv1.Accepted{Plugin: of}}})
			})
			later = time.AfterFunc(acceptAfter, accepted)
		})
		if later != nil && later.Stop() && err != nil { // else the answer says so, too
			accepted()
		}
		return reply, err
	})
}

// hearRoom takes a command for a room of a shard that this replica holds.
func (s *Server) hearRoom(m *nats.Msg) {
	s.serve(m, s.inRooms, func(ctx context.Context, cmd *busv1.Command) (*busv1.Reply, error) {
		return s.Sessions.DoRouted(ctx, cmd)
	})
}

func (s *Server) tellInfo(m *nats.Msg) {
	s.work(s.anywhere, func(ctx context.Context) {
		info, err := s.Info(ctx)
		if err == nil {
			err = m.Respond(info)
		}
		if err != nil {
			s.Log.Warn("info not sent", "err", err)
		}
	})
}

func (s *Server) resume(m *nats.Msg) {
	s.work(s.anywhere, func(ctx context.Context) {
		var r busv1.Resume
		if err := proto.Unmarshal(m.Data, &r); err != nil {
			s.Log.Warn("message is no Resume", "subject", m.Subject, "err", err)
			return
		}
		events, err := s.Sessions.Resume(ctx, &r)
		if err != nil {
			s.Log.Warn("events not read", "session", r.GetSessionId(), "err", err)
			return
		}
		if err := bus.Publish(s.Conn, m.Reply, events); err != nil {
			s.Log.Warn("events not sent", "session", r.GetSessionId(), "err", err)
		}
	})
}

// delivered notes what sockets have taken. What cannot be noted now will come with the next events, or does no harm.
func (s *Server) delivered(m *nats.Msg) {
	var d busv1.Deliveries
	if err := proto.Unmarshal(m.Data, &d); err != nil || len(d.GetAll()) > bus.MaxDeliveries {
		s.Counters.Dropped(malformed, 1)
		s.Log.Warn("message is no Deliveries", "subject", m.Subject, "deliveries", len(d.GetAll()), "err", err)
		return
	}
	s.work(s.anywhere, func(ctx context.Context) {
		if err := s.Sessions.Delivered(ctx, d.GetAll()); err != nil {
			s.Log.Debug("deliveries not noted", "sessions", len(d.GetAll()), "err", err)
		}
	})
}

// work has do run when it is its turn, unless the server stops before: then the sender repeats what it wants, and
// another replica takes it. It does not wait for that, unless very much is taken already: then NATS keeps what comes
// after.
func (s *Server) work(l *lane, do func(ctx context.Context)) {
	came := time.Now()
	l.post(func() {
		s.Counters.Waited(time.Since(came))
		ctx, cancel := context.WithTimeout(s.ctx, commandTime)
		defer cancel()
		do(ctx)
	})
}

func (s *Server) serve(m *nats.Msg, l *lane, do func(ctx context.Context, cmd *busv1.Command) (*busv1.Reply, error)) {
	cmd := new(busv1.Command)
	if err := proto.Unmarshal(m.Data, cmd); err != nil || cmd.GetId() == "" {
		s.Counters.Dropped(malformed, 1)
		s.Log.Warn("message is no Command", "subject", m.Subject, "err", err)
		return
	}
	if !s.begin(cmd.GetId()) {
		return // a repeat of what waits or is under way
	}
	span := s.trace(m.Subject, cmd) // its wait included
	s.work(l, func(ctx context.Context) {
		defer span.End()
		defer s.end(cmd.GetId())
		began := time.Now()
		ctx = trace.ContextWithSpan(ctx, span)
		reply, err := do(ctx, cmd)
		outcome := s.finish(ctx, m, cmd, reply, err)
		span.SetAttributes(attribute.String("janus.outcome", outcome))
		s.Counters.Command(session.Verb(cmd), outcome, time.Since(began))
	})
}

// trace goes on with the trace of a command, if it has one.
func (s *Server) trace(subject string, cmd *busv1.Command) trace.Span {
	if cmd.GetTraceparent() == "" {
		return trace.SpanFromContext(context.Background())
	}
	_, span := s.Traces.Continue(context.Background(), cmd.GetTraceparent(), "process "+subject, trace.SpanKindConsumer,
		traces.Message("process", subject, cmd.GetId())...)
	span.SetAttributes(append(traces.Janus(cmd.GetSessionId(), cmd.GetHandleId()), traces.Verb(session.Verb(cmd)))...)
	return span
}

// finish answers a command, passes it on, or leaves it to be repeated. It returns which.
func (s *Server) finish(ctx context.Context, m *nats.Msg, cmd *busv1.Command, reply *busv1.Reply, err error) string {
	if passed, ok := errors.AsType[*session.PassOnError](err); ok {
		s.passOn(ctx, m, passed)
		return "passed on"
	}
	if errors.Is(err, store.ErrAway) {
		traces.Log(ctx, s.Log).Warn("command waits for the store", "session", cmd.GetSessionId(), "handle", cmd.GetHandleId(), "err", err)
		return "waits"
	}
	if err != nil {
		traces.Failed(trace.SpanFromContext(ctx), string(fault.Of(err)))
		log := traces.Log(ctx, s.Log)
		if fault.Of(err) == fault.Internal {
			log.Error("command failed", "session", cmd.GetSessionId(), "handle", cmd.GetHandleId(),
				"verb", session.Verb(cmd), "err", err)
		} else {
			log.Debug("command refused", "session", cmd.GetSessionId(), "handle", cmd.GetHandleId(),
				"verb", session.Verb(cmd), "err", err)
		}
		s.reply(m, cmd, &busv1.Reply{Outcome: bus.Failed(err)})
		return string(fault.Of(err))
	}
	s.reply(m, cmd, reply)
	return "done"
}

func (s *Server) passOn(ctx context.Context, m *nats.Msg, p *session.PassOnError) {
	subject := bus.RoomCommands(bus.Shard(p.Room))
	if traces.On(ctx) {
		var span trace.Span
		ctx, span = traces.Start(ctx, "send "+subject, trace.SpanKindProducer, traces.Message("send", subject, p.Command.GetId())...)
		defer span.End()
		p.Command.Traceparent = traces.Parent(ctx)
	}
	data, err := proto.Marshal(p.Command)
	if err == nil {
		err = s.Conn.PublishRequest(subject, m.Reply, data)
	}
	if err != nil {
		traces.Log(ctx, s.Log).Warn("command not passed on", "room", p.Room, "err", err)
	}
}

func (s *Server) reply(m *nats.Msg, cmd *busv1.Command, r *busv1.Reply) {
	r.CommandId = cmd.GetId()
	if m.Reply == "" {
		return
	}
	err := bus.Publish(s.Conn, m.Reply, r)
	if errors.Is(err, bus.ErrTooLarge) && len(r.GetRaised()) > 0 {
		r.Raised = nil // the edge asks the log for them
		err = bus.Publish(s.Conn, m.Reply, r)
	}
	if errors.Is(err, bus.ErrTooLarge) {
		failed := bus.Failed(fault.New(fault.Internal, err))
		err = bus.Publish(s.Conn, m.Reply, &busv1.Reply{CommandId: cmd.GetId(), Outcome: failed})
	}
	if err != nil {
		s.Log.Warn("answer not sent", "session", cmd.GetSessionId(), "err", err)
	}
}

func (s *Server) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.underway[id] {
		return false
	}
	s.underway[id] = true
	return true
}

func (s *Server) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.underway, id)
}

// Owner decides what concerns rooms, if this replica owns them.
type Owner struct {
	Holds  func(shard int) bool
	Keeper interface {
		Do(ctx context.Context, cmd plugin.Command, room string) (*busv1.Reply, error)
	}
}

// Decide is session.Rooms.
func (o *Owner) Decide(ctx context.Context, cmd plugin.Command, room string) (*busv1.Reply, error) {
	if room == "" || o.Holds(bus.Shard(room)) {
		return o.Keeper.Do(ctx, cmd, room)
	}
	on := proto.CloneOf(cmd.Command)
	on.Routed = &busv1.Routed{
		Plugin: cmd.Handle.Plugin, OpaqueId: cmd.Handle.OpaqueID,
		Room: room, Bound: cmd.Handle.Room != "", Role: cmd.Handle.Role, Over: cmd.Over,
		Token: cmd.Handle.Token, Created: cmd.Handle.Created, Rights: cmd.Handle.Rights.Message(),
	}
	return nil, &session.PassOnError{Command: on, Room: room}
}
