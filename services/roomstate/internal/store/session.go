package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Timeouts say when a session ends by itself; zero is Janus's zero in each.
type Timeouts struct {
	Session time.Duration // without a request; 0 for never
	Reclaim time.Duration // after its socket was lost; 0 for at once
}

// Entered is what Enter found.
type Entered struct {
	Handle    plugin.Handle
	Found     bool // whether there is such a handle
	LastEvent uint64
}

// Enter looks up what a command is about and, if touch is set, restarts the session's timer: all that most commands
// need of a session, in one round trip. It returns an AnsweredError if the command was carried out before.
func (s *Store) Enter(ctx context.Context, cmd *busv1.Command, touch bool, now time.Time) (Entered, error) {
	got, err := s.run(ctx, enterScript, cmd.GetId(), cmd.GetSessionId(), cmd.GetHandleId(), ms(now), flag(touch),
		cmd.GetSocket().GetId(), cmd.GetDelivered())
	if err != nil {
		return Entered{}, err
	}
	e := Entered{LastEvent: uint64(number(got[0]))}
	record := text(got[1])
	if record == "" {
		return e, nil
	}
	if err := json.Unmarshal([]byte(record), &e.Handle); err != nil {
		return Entered{}, fmt.Errorf("record of handle %d: %w", cmd.GetHandleId(), err)
	}
	e.Handle.ID = plugin.HandleID{Session: cmd.GetSessionId(), Handle: cmd.GetHandleId()}
	e.Found = true
	return e, nil
}

// LastEvent returns the number of a session's newest event, 0 if there is no such session.
func (s *Store) LastEvent(ctx context.Context, session uint64) (uint64, error) {
	n, err := s.rdb.HGet(ctx, fmt.Sprintf("%ssession:%d", prefix, session), "events").Uint64()
	if isNil(err) {
		return 0, nil
	}
	return n, broken(err)
}

// Create makes a session and remembers answer. ErrTaken if there is one of this id, ErrFull if there are most sessions
// already (0 for no limit), ErrNotAccepting.
func (s *Store) Create(ctx context.Context, cmd *busv1.Command, t Timeouts, most int, now time.Time, answer []byte) error {
	socket, err := proto.Marshal(cmd.GetSocket())
	if err != nil {
		return fmt.Errorf("encode socket: %w", err)
	}
	_, err = s.run(ctx, createScript, cmd.GetId(), cmd.GetSessionId(), ms(now), t.Session.Milliseconds(),
		cmd.GetSocket().GetId(), socket, cmd.GetSocket().GetEvents(), answer, answerFor.Milliseconds(), most)
	return err
}

// Attach adds a handle and remembers answer. ErrTaken, or ErrFull if the session has most handles (0 for no limit).
func (s *Store) Attach(ctx context.Context, cmd *busv1.Command, h plugin.Handle, most int, answer []byte) error {
	record, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode handle: %w", err)
	}
	_, err = s.run(ctx, attachScript, cmd.GetId(), h.ID.Session, h.ID.Handle, record, most, answer, answerFor.Milliseconds())
	return err
}

// Claimed is what Claim found.
type Claimed struct {
	LastEvent uint64
	Missed    []*busv1.Event // raised since the last that is known to be delivered, moves included
	Moved     *busv1.Event   // to be published, if the session had another owner
}

// Claim makes the command's socket the owner. A repeat gives the same answer. ErrBusy while a long poll is being answered.
func (s *Store) Claim(ctx context.Context, cmd *busv1.Command, t Timeouts, now time.Time) (Claimed, error) {
	socket, err := proto.Marshal(cmd.GetSocket())
	if err != nil {
		return Claimed{}, fmt.Errorf("encode socket: %w", err)
	}
	moved := &busv1.Event{
		SessionId: cmd.GetSessionId(),
		Kind:      &busv1.Event_Moved{Moved: &busv1.Moved{Owner: cmd.GetSocket()}},
	}
	data, err := proto.Marshal(moved)
	if err != nil {
		return Claimed{}, fmt.Errorf("encode event: %w", err)
	}
	got, err := s.run(ctx, claimScript, cmd.GetSessionId(), ms(now), t.Session.Milliseconds(),
		cmd.GetSocket().GetId(), socket, cmd.GetSocket().GetEvents(), cmd.GetDelivered(), data, logSize)
	if err != nil {
		return Claimed{}, err
	}
	c := Claimed{LastEvent: uint64(number(got[0]))}
	if n := number(got[1]); n > 0 {
		moved.Number = uint64(n)
		c.Moved = moved
	}
	entries, _ := got[2].([]any)
	for _, entry := range entries {
		event, err := readEntry(text(entry))
		if err != nil {
			return Claimed{}, err
		}
		c.Missed = append(c.Missed, event)
	}
	return c, nil
}

// Delivered notes up to which events sockets have taken what their sessions raised. One that is not its session's owner any more is of
// no account.
func (s *Store) Delivered(ctx context.Context, all []*busv1.Delivery) error {
	args := []any{len(all)}
	for _, d := range all {
		args = append(args, d.GetSessionId(), d.GetSocket(), d.GetDelivered())
	}
	_, err := s.run(ctx, deliveredScript, args...)
	return err
}

// Lose says that a socket is gone; with counts, the time for a claim begins. It reports whether that was the session's
// owner.
func (s *Store) Lose(ctx context.Context, cmd *busv1.Command, counts bool, t Timeouts, now time.Time) (bool, error) {
	got, err := s.run(ctx, loseScript, cmd.GetSessionId(), cmd.GetSocket().GetId(), ms(now),
		t.Session.Milliseconds(), t.Reclaim.Milliseconds(), cmd.GetDelivered(), flag(counts))
	if err != nil {
		return false, err
	}
	return number(got[0]) == 1, nil
}

// End is how a session ends.
type End struct {
	Session uint64
	Command string    // whose answer is remembered; may be empty
	Answer  []byte    // likewise
	IfDue   *Timeouts // set: only if its time has come
}

// Ended is what came of an End.
type Ended struct {
	Last  *busv1.Event // the session's last, to be published: TimedOut or Ended; nil if the session goes on
	Tasks []OwedTask   // what its handles owe
}

// End deletes a session.
func (s *Store) End(ctx context.Context, e End, now time.Time) (Ended, error) {
	timedOut := &busv1.Event{SessionId: e.Session, Kind: &busv1.Event_TimedOut{TimedOut: &busv1.TimedOut{}}}
	ended := &busv1.Event{SessionId: e.Session, CommandId: e.Command, Kind: &busv1.Event_Ended{Ended: &busv1.Ended{}}}
	var encoded [2][]byte
	for i, event := range []*busv1.Event{ended, timedOut} {
		var err error
		if encoded[i], err = proto.Marshal(event); err != nil {
			return Ended{}, fmt.Errorf("encode event: %w", err)
		}
	}
	var t Timeouts
	if e.IfDue != nil {
		t = *e.IfDue
	}
	got, err := s.run(ctx, endScript, e.Command, e.Session, ms(now), flag(e.IfDue != nil),
		t.Session.Milliseconds(), t.Reclaim.Milliseconds(), encoded[0], encoded[1], logSize, logAfter.Milliseconds(),
		e.Answer, answerFor.Milliseconds(), ms(now.Add(taskAgain)))
	if err != nil {
		return Ended{}, err
	}
	var last *busv1.Event
	switch number(got[0]) {
	case 0:
		return Ended{}, nil
	case 1:
		last = ended
	default:
		last = timedOut
	}
	last.Number = uint64(number(got[1]))
	tasks, err := readTasks(got[2])
	return Ended{Last: last, Tasks: tasks}, err
}

// Due returns sessions that have to be ended: those whose time has come. more says that there may be others: each that lives is
// looked at once in the time that it has.
func (s *Store) Due(ctx context.Context, t Timeouts, now time.Time) (due []uint64, more bool, err error) {
	if due, err := s.anyDue(ctx, "deadlines", now); !due {
		return nil, false, err
	}
	got, err := s.run(ctx, dueScript, ms(now), t.Session.Milliseconds(), t.Reclaim.Milliseconds(),
		sweepSize, ms(now.Add(taskAgain)))
	if err != nil {
		return nil, false, err
	}
	entries, _ := got[0].([]any)
	for _, entry := range entries {
		id, err := strconv.ParseUint(text(entry), 10, 64)
		if err != nil {
			return nil, false, fmt.Errorf("deadline of session %q: %w", entry, err)
		}
		due = append(due, id)
	}
	return due, number(got[1]) == sweepSize, nil
}

// Events returns a session's events after a number, oldest first, as far as they are kept.
func (s *Store) Events(ctx context.Context, session, after uint64) ([]*busv1.Event, error) {
	entries, err := s.rdb.LRange(ctx, fmt.Sprintf("%slog:%d", prefix, session), 0, -1).Result()
	if err != nil {
		return nil, broken(err)
	}
	var events []*busv1.Event
	for _, entry := range entries {
		event, err := readEntry(entry)
		if err != nil {
			return nil, err
		}
		if event.GetNumber() > after {
			events = append(events, event)
		}
	}
	return events, nil
}

// recent is how many of a session's newest events Raised looks through: an edge that has been given so many since has
// missed none of those before, or asked for them.
const recent = 64

// Raised returns the events that a command raised, as far as they are recent.
func (s *Store) Raised(ctx context.Context, numbers map[uint64][]uint64) ([]*busv1.Event, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	logs := map[uint64]*redis.StringSliceCmd{}
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for session := range numbers {
			logs[session] = p.LRange(ctx, fmt.Sprintf("%slog:%d", prefix, session), -recent, -1)
		}
		return nil
	})
	if err != nil {
		return nil, broken(err)
	}
	var events []*busv1.Event
	for session, log := range logs {
		for _, entry := range log.Val() {
			event, err := readEntry(entry)
			if err != nil {
				return nil, err
			}
			if slices.Contains(numbers[session], event.GetNumber()) {
				events = append(events, event)
			}
		}
	}
	return events, nil
}

// readEntry reads an entry of a log: the number, a colon, the event.
func readEntry(entry string) (*busv1.Event, error) {
	n, data, _ := strings.Cut(entry, ":")
	num, err := strconv.ParseUint(n, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("number of an event: %w", err)
	}
	event := new(busv1.Event)
	if err := proto.Unmarshal([]byte(data), event); err != nil {
		return nil, fmt.Errorf("decode event %d: %w", num, err)
	}
	event.Number = num
	return event, nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
