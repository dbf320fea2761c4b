package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// PassOnError says that a command is to be decided, and answered, by the owner of its room.
type PassOnError struct {
	Command *busv1.Command // with what has been found out about its handle
	Room    string
}

func (*PassOnError) Error() string { return "the room's owner decides" }

// sessions is where they are kept.
type sessions interface {
	Enter(ctx context.Context, cmd *busv1.Command, touch bool, now time.Time) (store.Entered, error)
	Create(ctx context.Context, cmd *busv1.Command, t store.Timeouts, most int, now time.Time, answer []byte) error
	Attach(ctx context.Context, cmd *busv1.Command, h plugin.Handle, most int, answer []byte) error
	Claim(ctx context.Context, cmd *busv1.Command, t store.Timeouts, now time.Time) (store.Claimed, error)
	Poll(ctx context.Context, session uint64, p *busv1.Poll, now time.Time) (*busv1.Taken, error)
	Given(ctx context.Context, session uint64, g *busv1.Given) error
	Delivered(ctx context.Context, all []*busv1.Delivery) error
	Lose(ctx context.Context, cmd *busv1.Command, counts bool, t store.Timeouts, now time.Time) (bool, error)
	End(ctx context.Context, e store.End, now time.Time) (store.Ended, error)
	Due(ctx context.Context, t store.Timeouts, now time.Time) (due []uint64, more bool, err error)
	LastEvent(ctx context.Context, session uint64) (uint64, error)
	Handleless(ctx context.Context, id uint64) (plugin.Handle, error)
	Raised(ctx context.Context, numbers map[uint64][]uint64) ([]*busv1.Event, error)
	Events(ctx context.Context, session, after uint64) ([]*busv1.Event, error)
}

// Rooms decides commands in rooms.
type Rooms interface {
	// Decide returns the answer of the room's rule, or a PassOnError if this replica does not own the room. It
	// decides what concerns no room, an empty one, in any case.
	Decide(ctx context.Context, cmd plugin.Command, room string) (*busv1.Reply, error)
}

// Limits bound what an endpoint can use up; 0 for none.
type Limits struct {
	Sessions int // in the whole cluster
	Handles  int // per session
	Body     int // bytes of a message's body
}

// Service carries out commands.
type Service struct {
	Store    sessions
	Rooms    Rooms
	Plugins  map[string]plugin.Plugin
	Timeouts store.Timeouts
	Limits   Limits
	// Limited counts what was refused since one of them is met; nil for nobody.
	Limited func(plugin.Limit)
	// Admin answers what administrators ask.
	Admin   func(ctx context.Context, cmd *busv1.Command, now time.Time) (*busv1.Reply, error)
	Publish func(event *busv1.Event)
	Owe     func(tasks []store.OwedTask)
	Events  *events.Emitter
	Log     *slog.Logger
}

// Do carries out a command. accepted is called when its answer will be an event. Errors are a
// PassOnError, one with store.ErrAway, or carry a fault.Reason.
func (s *Service) Do(ctx context.Context, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error) {
	v, ok := verbOf(cmd)
	if !ok {
		return nil, fault.New(fault.Internal, fmt.Errorf("command %s has no verb that is known here", cmd.GetId()))
	}
	r := &request{Command: cmd, now: time.Now(), accepted: accepted}
	if cmd.GetPeer() != nil && cmd.GetSessionId() == 0 {
		reply, err := s.handleless(ctx, cmd)
		return s.outcome(ctx, reply, err, cmd)
	}
	if v.enter {
		entered, err := s.Store.Enter(ctx, cmd, v.touch, r.now)
		if err != nil {
			return s.outcome(ctx, nil, err, cmd)
		}
		r.entered = entered
		if cmd.GetHandleId() != 0 && !entered.Found {
			return s.outcome(ctx, nil, store.ErrNoHandle, cmd)
		}
	}
	reply, err := v.do(s, ctx, r)
	return s.outcome(ctx, reply, err, cmd)
}

// request is a command on its way.
type request struct {
	*busv1.Command
	now      time.Time
	entered  store.Entered
	accepted func(plugin string)
}

// outcome gives an error its reason and Janus's words, and finds a remembered answer in it.
func (s *Service) outcome(ctx context.Context, reply *busv1.Reply, err error, cmd *busv1.Command) (*busv1.Reply, error) {
	if answered, ok := errors.AsType[*store.AnsweredError](err); ok {
		reply = new(busv1.Reply)
		if err := proto.Unmarshal(answered.Answer, reply); err != nil {
			return nil, fmt.Errorf("decode remembered answer: %w", err)
		}
		// Whoever carried it out may not have lived to publish its events: edges drop what they have been given already.
		events, err := s.Store.Raised(ctx, answered.Raised)
		if err != nil {
			return nil, err
		}
		for _, event := range events {
			s.Publish(event)
		}
		// The events of then may be what the sender has missed.
		reply.LastEvent, err = s.Store.LastEvent(ctx, cmd.GetSessionId())
		if err != nil {
			return nil, err
		}
		return reply, nil
	}
	switch {
	case errors.Is(err, store.ErrNoSession):
		return nil, fault.Newf(fault.SessionNotFound, "No such session %d", cmd.GetSessionId())
	case errors.Is(err, store.ErrNoHandle):
		return nil, fault.Newf(fault.HandleNotFound, "No such handle %d in session %d", cmd.GetHandleId(), cmd.GetSessionId())
	}
	return reply, err
}

// Resume returns the events that an edge has missed.
func (s *Service) Resume(ctx context.Context, r *busv1.Resume) (*busv1.Events, error) {
	events, err := s.Store.Events(ctx, r.GetSessionId(), r.GetAfter())
	if err != nil {
		return nil, err
	}
	return &busv1.Events{Events: events}, nil
}

// Delivered notes what sockets have taken.
func (s *Service) Delivered(ctx context.Context, all []*busv1.Delivery) error {
	return s.Store.Delivered(ctx, all)
}

// meets counts that a limit is met.
func (s *Service) meets(limit plugin.Limit) {
	if s.Limited != nil {
		s.Limited(limit)
	}
}

func (s *Service) command(r *request) plugin.Command {
	return plugin.Command{Command: r.Command, Handle: r.entered.Handle}
}

// done is the plain answer to cmd.
func done(cmd *busv1.Command) *busv1.Reply {
	return &busv1.Reply{CommandId: cmd.GetId(), Outcome: &busv1.Reply_Done{Done: &busv1.Done{}}}
}

// remembered is done, as it is kept.
func remembered(cmd *busv1.Command) ([]byte, error) {
	b, err := proto.Marshal(done(cmd))
	if err != nil {
		return nil, fmt.Errorf("encode reply: %w", err)
	}
	return b, nil
}
