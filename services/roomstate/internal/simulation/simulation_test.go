package simulation

import (
	"flag"
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
)

var (
	manySessions = flag.Int("sessions", 80, "how many sessions there are at a time")
	manyRooms    = flag.Int("rooms", 12, "how many rooms they are in")
	manyNodes    = flag.Int("nodes", 6, "how many media nodes there are")
	theSeed      = flag.Uint64("seed", 1, "what chance follows from")
	redisURL     = flag.String("redis", "", "an empty Redis; without it, one in this process")
	trace        = flag.String("trace", "", "clients, by number, with commas, of which everything is told")
	report       = flag.String("report", "", "a file for the outcome, as Markdown")
)

// Tests of this package do not run in parallel: each has the clock of its bubble.

func TestSimulation(t *testing.T) {
	cfg := config{sessions: *manySessions, rooms: *manyRooms, nodes: *manyNodes, seed: *theSeed, redis: *redisURL}
	if cfg.redis == "" {
		cfg.redis = "redis://" + miniredis.RunT(t).Addr()
	}
	began := realTime()
	cfg.elapsed = func() time.Duration { return realTime() - began }
	cfg.say = func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "[%5.0f s] %s\n", cfg.elapsed().Seconds(), fmt.Sprintf(format, args...))
	}
	o := simulate(t, cfg)
	cfg.say("%s", o)
	if *report != "" {
		if err := os.WriteFile(*report, []byte(o.markdown(cfg)), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// TestChanceFollowsFromTheSeed: the same seed has the same clients hear the same events, another seed others.
func TestChanceFollowsFromTheSeed(t *testing.T) {
	heard := map[uint64]uint64{}
	for _, s := range []uint64{7, 7, 8} {
		var o outcome
		for range 5 { // until real time has played no part
			m := miniredis.RunT(t)
			o = simulate(t, config{sessions: 24, rooms: 3, nodes: 4, seed: s, redis: "redis://" + m.Addr()})
			m.Close()
			if o.Away == 0 {
				break
			}
		}
		if before, ok := heard[s]; ok && before != o.digest {
			t.Errorf("seed %d: %x and %x", s, before, o.digest)
		}
		heard[s] = o.digest
	}
	if heard[7] == heard[8] {
		t.Error("seeds 7 and 8 have the same outcome")
	}
}

// realTime is not that of a bubble.
func realTime() time.Duration {
	var now syscall.Timeval
	_ = syscall.Gettimeofday(&now)
	return time.Duration(now.Nano())
}

// simulate runs the world's course: it fills, lives with failures, and empties, and is looked at in between.
func simulate(t *testing.T, cfg config) (o outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cfg)
		defer w.close()
		o = w.course()
	})
	return o
}
