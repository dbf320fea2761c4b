package store

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"golang.org/x/time/rate"
)

// lines is what a logger wrote.
type lines struct {
	mu  sync.Mutex // guards what follows
	out bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.out.String(), part)
}

func TestTheClientsWordsAreThrottledAndHaveTheFormOfOurs(t *testing.T) {
	var l lines
	c := &clientLog{log: slog.New(slog.NewTextHandler(&l, &slog.HandlerOptions{Level: slog.LevelDebug})), warnings: rate.NewLimiter(0, 1)}
	for range 5 {
		c.Printf(t.Context(), "redis: %s is %d", "dial", 7)
	}
	warned, said := l.count(`level=WARN msg="redis client" err="dial is 7"`), l.count(`level=DEBUG msg="redis client" err="dial is 7"`)
	if warned != 1 || said != 4 {
		t.Errorf("%d warnings, %d for debugging", warned, said)
	}
}

func TestAClientWithoutRedisLogsWhereTheServiceDoes(t *testing.T) {
	var l lines
	st, err := Redis{RedisURL: "redis://127.0.0.1:1/0"}.Open(slog.New(slog.NewTextHandler(&l, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	if err := st.Ping(t.Context()); err == nil {
		t.Fatal("something answers at port 1")
	}
	if l.count(`level=WARN msg="redis client" err="connection pool: `) == 0 {
		t.Errorf("not a line of the client's: %s", l.out.String())
	}
}
