package store

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"
)

// clientWarnings is how often the client's words are worth a warning: while Redis is away it says so at each attempt to connect.
const clientWarnings = 10 * time.Second

// clientLog takes what go-redis would print to stderr in a form of its own: a line now and then is a warning, the rest for debugging.
type clientLog struct {
	log      *slog.Logger
	warnings *rate.Limiter
}

// logClient has all clients of this process log to log: go-redis has one logger.
func logClient(log *slog.Logger) {
	redis.SetLogger(&clientLog{log: log, warnings: rate.NewLimiter(rate.Every(clientWarnings), 1)})
}

// Printf has the form that go-redis asks for.
func (c *clientLog) Printf(ctx context.Context, format string, v ...any) {
	level := slog.LevelDebug
	if c.warnings.Allow() {
		level = slog.LevelWarn
	}
	c.log.Log(ctx, level, "redis client", "err", strings.TrimPrefix(fmt.Sprintf(format, v...), "redis: "))
}
