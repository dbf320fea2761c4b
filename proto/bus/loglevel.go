package bus

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/nats-io/nats.go"
)

// LogLevel is where all services hear at which level they are to log from now on: Janus's number in decimal, from 0 for
// nothing to 7 for all.
const LogLevel = "cardea.loglevel"

// FollowLogLevel changes level as administrators say, until stop; nil is left alone.
func FollowLogLevel(nc *nats.Conn, level *slog.LevelVar) (stop func(), err error) {
	if level == nil {
		return func() {}, nil
	}
	sub, err := nc.Subscribe(LogLevel, func(m *nats.Msg) {
		if n, err := strconv.Atoi(string(m.Data)); err == nil {
			level.Set(SlogLevel(n))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", LogLevel, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

// SlogLevel is what Janus's number means here. Above information Janus has three levels, here there is one.
func SlogLevel(janus int) slog.Level {
	switch {
	case janus <= 0:
		return slog.LevelError + 1 // nothing is logged at that
	case janus <= 2:
		return slog.LevelError
	case janus == 3:
		return slog.LevelWarn
	case janus == 4:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}
