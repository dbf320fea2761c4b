package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Settings are what administrators have set for the cluster while it runs. They outlive every process; nil is not set.
type Settings struct {
	SessionTimeout    *time.Duration
	AcceptNewSessions *bool
	LogLevel          *int
	Numbers           map[string]int64 // what else is set, by name
}

// numberField is what the fields of Numbers begin with.
const numberField = "n:"

const (
	keySettings = prefix + "settings"
	keyTokens   = prefix + "tokens"
	keySessions = prefix + "sessions"
)

// Settings returns what has been set.
func (s *Store) Settings(ctx context.Context) (Settings, error) {
	got, err := s.rdb.HGetAll(ctx, keySettings).Result()
	if err != nil {
		return Settings{}, broken(err)
	}
	var out Settings
	if text, ok := got["session_timeout"]; ok {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return out, fmt.Errorf("stored session timeout: %w", err)
		}
		out.SessionTimeout = new(time.Duration(n) * time.Millisecond)
	}
	if text, ok := got["accept_new_sessions"]; ok {
		out.AcceptNewSessions = new(text == "1")
	}
	if text, ok := got["log_level"]; ok {
		n, err := strconv.Atoi(text)
		if err != nil {
			return out, fmt.Errorf("stored log level: %w", err)
		}
		out.LogLevel = &n
	}
	out.Numbers = map[string]int64{}
	for field, text := range got {
		name, ok := strings.CutPrefix(field, numberField)
		if !ok {
			continue
		}
		if out.Numbers[name], err = strconv.ParseInt(text, 10, 64); err != nil {
			return out, fmt.Errorf("stored %s: %w", name, err)
		}
	}
	return out, nil
}

// AcceptNewSessions sets whether sessions may be made.
func (s *Store) AcceptNewSessions(ctx context.Context, accept bool) error {
	return broken(s.rdb.HSet(ctx, keySettings, "accept_new_sessions", flag(accept)).Err())
}

// SetLogLevel sets how much all services log, as Janus counts.
func (s *Store) SetLogLevel(ctx context.Context, level int) error {
	return broken(s.rdb.HSet(ctx, keySettings, "log_level", level).Err())
}

// SetNumber sets one of Settings.Numbers.
func (s *Store) SetNumber(ctx context.Context, name string, n int64) error {
	return broken(s.rdb.HSet(ctx, keySettings, numberField+name, n).Err())
}

// DropNumber has one of Settings.Numbers not be set any more.
func (s *Store) DropNumber(ctx context.Context, name string) error {
	return broken(s.rdb.HDel(ctx, keySettings, numberField+name).Err())
}

// SetGlobalTimeout sets after which time without requests sessions end that have no time of their own; 0 for never.
func (s *Store) SetGlobalTimeout(ctx context.Context, timeout time.Duration, now time.Time) error {
	if err := s.rdb.HSet(ctx, keySettings, "session_timeout", timeout.Milliseconds()).Err(); err != nil {
		return broken(err)
	}
	ids, err := s.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.look(ctx, id, now); err != nil {
			return err
		}
	}
	return nil
}

// look has it looked soon whether a session has ended: that finds its new time too.
func (s *Store) look(ctx context.Context, session uint64, now time.Time) error {
	_, err := s.run(ctx, lookScript, session, ms(now))
	return err
}

// SetTimeout sets the same for one session; nil has it follow the others. ErrNoSession.
func (s *Store) SetTimeout(ctx context.Context, session uint64, timeout *time.Duration, now time.Time) error {
	value := ""
	if timeout != nil {
		value = strconv.FormatInt(timeout.Milliseconds(), 10)
	}
	_, err := s.run(ctx, timeoutScript, session, ms(now), value)
	return err
}

// Sessions returns the ids of all sessions.
func (s *Store) Sessions(ctx context.Context) ([]uint64, error) {
	members, err := s.rdb.SMembers(ctx, keySessions).Result()
	if err != nil {
		return nil, broken(err)
	}
	ids := make([]uint64, 0, len(members))
	for _, member := range members {
		id, err := strconv.ParseUint(member, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("session id: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Token returns the plugins that a stored token is for, or ErrNoToken.
func (s *Store) Token(ctx context.Context, token string) ([]string, error) {
	text, err := s.rdb.HGet(ctx, keyTokens, token).Result()
	if isNil(err) {
		return nil, ErrNoToken
	} else if err != nil {
		return nil, broken(err)
	}
	return readPlugins(text)
}

func readPlugins(text string) ([]string, error) {
	plugins := []string{}
	if err := json.Unmarshal([]byte(text), &plugins); err != nil {
		return nil, fmt.Errorf("plugins of a token: %w", err)
	}
	return plugins, nil
}

// tokenTries is how often a change of a token is tried again that another's came before.
const tokenTries = 100

// ChangeToken stores a token with the plugins that to makes of those that it is for, none if it is new, and returns them. to may be
// called several times: a change in between is not lost. ErrNoToken if there is none and none is to be made.
func (s *Store) ChangeToken(ctx context.Context, token string, make bool, to func(has []string) []string) ([]string, error) {
	var next []string
	change := func(tx *redis.Tx) error {
		text, err := tx.HGet(ctx, keyTokens, token).Result()
		var has []string
		switch {
		case isNil(err) && !make:
			return ErrNoToken
		case err == nil:
			if has, err = readPlugins(text); err != nil {
				return err
			}
		case !isNil(err):
			return broken(err)
		}
		next = to(has)
		b, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("encode plugins: %w", err)
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.HSet(ctx, keyTokens, token, b).Err() })
		return err
	}
	for range tokenTries {
		err := s.rdb.Watch(ctx, change, keyTokens)
		if !errors.Is(err, redis.TxFailedErr) {
			if err != nil && !errors.Is(err, ErrNoToken) {
				err = broken(err)
			}
			return next, err
		}
	}
	return nil, fmt.Errorf("token changed %d times meanwhile", tokenTries)
}

// DropToken removes a stored token, or returns ErrNoToken.
func (s *Store) DropToken(ctx context.Context, token string) error {
	n, err := s.rdb.HDel(ctx, keyTokens, token).Result()
	if err == nil && n == 0 {
		return ErrNoToken
	}
	return broken(err)
}

// Tokens returns all stored tokens with their plugins.
func (s *Store) Tokens(ctx context.Context) (map[string][]string, error) {
	got, err := s.rdb.HGetAll(ctx, keyTokens).Result()
	if err != nil {
		return nil, broken(err)
	}
	tokens := make(map[string][]string, len(got))
	for token, text := range got {
		if tokens[token], err = readPlugins(text); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}
