package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/session"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

const (
	// atOnce bounds the commands under way in this replica; beyond it they are refused.
	atOnce = 512
	// commandTime bounds the work on one command.
	commandTime = 10 * time.Second
	// pending is what NATS keeps for us per subscription, in messages.
	pending = 8192
)

// Counters are told what happens to commands.
type Counters interface {
	Command(verb, outcome string, took time.Duration)
	Dropped(why string)
}

// Server serves commands.
type Server struct {
	Conn     *nats.Conn
	Sessions *session.Service
	Owner    *Owner
	Counters Counters
	Info     []byte // what this service contributes to an info request, a JSON object
	Log      *slog.Logger

	slots  chan struct{}
	ctx    context.Context // of the work on commands
	cancel context.CancelFunc
	wg     sync.WaitGroup
	subs   []*nats.Subscription

	mu       sync.Mutex
	underway map[string]bool // ids of commands
}

// Start subscribes to what any replica takes.
func (s *Server) Start(ctx context.Context) error {
	s.slots = make(chan struct{}, atOnce)
	s.underway = map[string]bool{}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for subject, hear := range map[string]nats.MsgHandler{
		bus.Commands: s.hear, bus.Resumes: s.resume, bus.Info: s.tellInfo,
	} {
		sub, err := s.Conn.QueueSubscribe(subject, bus.CommandsQueue, hear)
		if err != nil {
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		if err := sub.SetPendingLimits(pending, -1); err != nil {
			return fmt.Errorf("subscription to %s: %w", subject, err)
		}
		s.subs = append(s.subs, sub)
	}
	return nil
}

// Stop takes no more commands and waits for those under way, but not longer than grace.
func (s *Server) Stop(grace time.Duration) {
	for _, sub := range s.subs {
		_ = sub.Unsubscribe()
	}
	timer := time.AfterFunc(grace, s.cancel)
	s.wg.Wait()
	timer.Stop()
	s.cancel()
}

// hear takes a command that any replica may get.
func (s *Server) hear(m *nats.Msg) {
	s.serve(m, func(ctx context.Context, cmd *busv1.Command) (*busv1.Reply, error) {
		cmd.Routed = nil // roomstate's own
		return s.Sessions.Do(ctx, cmd, func() {
			s.reply(m, cmd, &busv1.Reply{Outcome: &busv1.Reply_Accepted{Accepted: &busv1.Accepted{}}})
		})
	})
}

// hearRoom takes a command for a room of a shard that this replica holds.
func (s *Server) hearRoom(m *nats.Msg) {
	s.serve(m, func(ctx context.Context, cmd *busv1.Command) (*busv1.Reply, error) {
		return s.Sessions.DoRouted(ctx, cmd)
	})
}

func (s *Server) tellInfo(m *nats.Msg) {
	if err := m.Respond(s.Info); err != nil {
		s.Log.Warn("info not sent", "err", err)
	}
}

func (s *Server) resume(m *nats.Msg) {
	s.work(m, func(ctx context.Context) {
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

// work runs do, unless too much is under way already.
func (s *Server) work(m *nats.Msg, do func(ctx context.Context)) bool {
	select {
	case s.slots <- struct{}{}:
	default:
		s.Counters.Dropped("busy")
		return false
	}
	s.wg.Go(func() {
		defer func() { <-s.slots }()
		ctx, cancel := context.WithTimeout(s.ctx, commandTime)
		defer cancel()
		do(ctx)
	})
	return true
}

func (s *Server) serve(m *nats.Msg, do func(ctx context.Context, cmd *busv1.Command) (*busv1.Reply, error)) {
	cmd := new(busv1.Command)
	if err := proto.Unmarshal(m.Data, cmd); err != nil || cmd.GetId() == "" {
		s.Counters.Dropped("malformed")
		s.Log.Warn("message is no Command", "subject", m.Subject, "err", err)
		return
	}
	if !s.begin(cmd.GetId()) {
		return // a repeat of what is under way
	}
	started := s.work(m, func(ctx context.Context) {
		defer s.end(cmd.GetId())
		began := time.Now()
		reply, err := do(ctx, cmd)
		outcome := s.finish(m, cmd, reply, err)
		s.Counters.Command(session.Verb(cmd), outcome, time.Since(began))
	})
	if !started {
		s.end(cmd.GetId())
		s.reply(m, cmd, &busv1.Reply{Outcome: bus.Failed(fault.Newf(fault.TooBusy, "Too many requests at the moment"))})
	}
}

// finish answers a command, passes it on, or leaves it to be repeated. It returns which.
func (s *Server) finish(m *nats.Msg, cmd *busv1.Command, reply *busv1.Reply, err error) string {
	if passed, ok := errors.AsType[*session.PassOnError](err); ok {
		s.passOn(m, passed)
		return "passed on"
	}
	if errors.Is(err, store.ErrAway) {
		s.Log.Warn("command waits for the store", "session", cmd.GetSessionId(), "handle", cmd.GetHandleId(), "err", err)
		return "waits"
	}
	if err != nil {
		if fault.Of(err) == fault.Internal {
			s.Log.Error("command failed", "session", cmd.GetSessionId(), "handle", cmd.GetHandleId(),
				"verb", session.Verb(cmd), "err", err)
		} else {
			s.Log.Debug("command refused", "session", cmd.GetSessionId(), "handle", cmd.GetHandleId(),
				"verb", session.Verb(cmd), "err", err)
		}
		s.reply(m, cmd, &busv1.Reply{Outcome: bus.Failed(err)})
		return string(fault.Of(err))
	}
	s.reply(m, cmd, reply)
	return "done"
}

func (s *Server) passOn(m *nats.Msg, p *session.PassOnError) {
	data, err := proto.Marshal(p.Command)
	if err == nil {
		err = s.Conn.PublishRequest(bus.RoomCommands(bus.Shard(p.Room)), m.Reply, data)
	}
	if err != nil {
		s.Log.Warn("command not passed on", "room", p.Room, "err", err)
	}
}

func (s *Server) reply(m *nats.Msg, cmd *busv1.Command, r *busv1.Reply) {
	r.CommandId = cmd.GetId()
	if m.Reply == "" {
		return
	}
	err := bus.Publish(s.Conn, m.Reply, r)
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

// Publish makes an event known to the edge that holds its session's socket.
func Publish(nc *nats.Conn, log *slog.Logger) func(event *busv1.Event) {
	return func(event *busv1.Event) {
		if err := bus.Publish(nc, bus.SessionEvents(event.GetSessionId()), event); err != nil {
			log.Debug("event not published", "session", event.GetSessionId(), "err", err)
		}
	}
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
	}
	return nil, &session.PassOnError{Command: on, Room: room}
}
