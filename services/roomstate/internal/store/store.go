package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// What callers branch on.
var (
	// ErrStale means that a room changed since it was read.
	ErrStale = errors.New("room changed since it was read")
	// ErrNoSession and ErrNoHandle mean that it is not there, or not any more.
	ErrNoSession = errors.New("no such session")
	ErrNoHandle  = errors.New("no such handle")
	// ErrTaken means that the id wanted is in use.
	ErrTaken = errors.New("id is in use")
	// ErrAway means that Redis cannot be reached or cannot serve now: the same may be tried again.
	ErrAway = errors.New("redis is away")
	// ErrFull means that there are as many as there may be: handles in a session, or sessions.
	ErrFull = errors.New("as many as there may be")
	// ErrNotAccepting means that there are to be no new sessions.
	ErrNotAccepting = errors.New("not accepting new sessions")
	// ErrNoToken means that it is not among the stored ones.
	ErrNoToken = errors.New("no such token")
	// ErrBusy means that a long poll of the session is being answered: try again in a moment.
	ErrBusy = errors.New("a long poll is being answered")
)

// AnsweredError says that the command was carried out before, and brings the answer of then.
type AnsweredError struct {
	Answer []byte
	Raised map[uint64][]uint64 // the numbers of the events of then, by session
}

func (*AnsweredError) Error() string { return "command was answered before" }

// Answered returns the answer that is remembered of a command, nil for none.
func (s *Store) Answered(ctx context.Context, command string) (*AnsweredError, error) {
	kept, err := s.rdb.Get(ctx, prefix+"answer:"+command).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, broken(err)
	}
	return readAnswered(kept)
}

// readAnswered reads what remember of common.lua kept.
func readAnswered(kept string) (*AnsweredError, error) {
	events, answer, _ := strings.Cut(kept, "\n")
	answered := &AnsweredError{Answer: []byte(answer), Raised: map[uint64][]uint64{}}
	for event := range strings.FieldsSeq(events) {
		var session, num uint64
		if _, err := fmt.Sscanf(event, "%d:%d", &session, &num); err != nil {
			return nil, fmt.Errorf("event %q of an answered command: %w", event, err)
		}
		answered.Raised[session] = append(answered.Raised[session], num)
	}
	return answered, nil
}

const (
	prefix = "{cardea}:"
	// answerFor is how long an answer is remembered: longer than any edge repeats a command.
	answerFor = time.Minute
	// logSize is how many events of a session are kept.
	logSize = 512
	// logAfter is how long the events of an ended session can still be read.
	logAfter = time.Minute
)

// Store is a connection to Redis.
type Store struct{ rdb redis.UniversalClient }

// Close ends all connections.
func (s *Store) Close() error { return s.rdb.Close() }

// Ping tells whether the server answers, and serves our keys.
func (s *Store) Ping(ctx context.Context) error { return broken(s.rdb.Exists(ctx, keySettings).Err()) }

// broken makes an error of the client's one of ours: ErrAway, unless the server refused what it was asked.
func broken(err error) error {
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[redis.Error](err); ok {
		for _, class := range []string{"ERR ", "WRONGTYPE ", "NOAUTH ", "WRONGPASS ", "NOPERM "} {
			if strings.HasPrefix(refusal.Error(), class) {
				return fmt.Errorf("redis: %w", err)
			}
		}
		if strings.HasPrefix(refusal.Error(), "MOVED ") {
			return fmt.Errorf("this is a node of a Redis Cluster, which redis-cluster must say: %w: %w", ErrAway, err)
		}
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

func ms(t time.Time) int64 { return t.UnixMilli() }
