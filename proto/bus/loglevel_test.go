package bus

import (
	"log/slog"
	"strconv"
	"testing"
	"time"
)

func TestAllFollowTheLogLevel(t *testing.T) {
	nc := connect(t)
	var level slog.LevelVar
	stop, err := FollowLogLevel(nc, &level)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := nc.Publish(LogLevel, []byte("no number")); err != nil {
		t.Fatal(err)
	}
	for janus, want := range map[int]slog.Level{7: slog.LevelDebug, 3: slog.LevelWarn} {
		if err := nc.Publish(LogLevel, []byte(strconv.Itoa(janus))); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); level.Level() != want; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("level is %v, want %v", level.Level(), want)
			}
		}
	}
}

func TestJanusLogLevels(t *testing.T) {
	for janus, want := range []slog.Level{
		slog.LevelError + 1, slog.LevelError, slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelDebug, slog.LevelDebug, slog.LevelDebug,
	} {
		if got := SlogLevel(janus); got != want {
			t.Errorf("%d: %v", janus, got)
		}
	}
}
