package transport

import (
	"fmt"
	"testing"
	"time"
)

// wheelAt is a worker of nothing but a wheel.
func wheelAt(now time.Duration) *Worker {
	w := &Worker{}
	w.wheel.init(now)
	return w
}

func TestTimersAreDueWithinATick(t *testing.T) {
	const start = 1234567 * time.Microsecond
	for _, after := range []time.Duration{-time.Second, 0, 1, tick - 1, tick, 99 * time.Millisecond, spokes * tick, 30 * time.Second} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			w := wheelAt(start)
			fired := time.Duration(-1)
			timer := w.NewTimer(func(now time.Duration) { fired = now })
			timer.Set(start + after)
			now := start
			for fired < 0 && now < start+time.Minute {
				next, ok := w.wheel.due()
				if !ok || next <= now {
					t.Fatalf("at %v it waits until %v, %v", now, next, ok)
				}
				now = next
				w.wheel.turn(now)
			}
			if late := fired - (start + max(after, 0)); late < 0 || late > tick {
				t.Errorf("late by %v", late)
			}
			if timer.IsSet() {
				t.Error("still set")
			}
			if _, ok := w.wheel.due(); ok {
				t.Error("something is left")
			}
		})
	}
}

func TestTimersSetAndStopEachOther(t *testing.T) {
	w := wheelAt(0)
	var fired []string
	note := func(name string) func(time.Duration) { return func(time.Duration) { fired = append(fired, name) } }
	stopped, moved := w.NewTimer(note("stopped")), w.NewTimer(note("moved"))
	var again *Timer
	again = w.NewTimer(func(now time.Duration) {
		fired = append(fired, "again")
		stopped.Stop()
		moved.Set(now + time.Second)
		if len(fired) < 3 {
			again.Set(now) // not in this turn
		}
	})
	for _, timer := range []*Timer{again, stopped, moved} {
		timer.Set(tick)
	}
	for now := tick; now <= 2*time.Second; now += tick {
		w.wheel.turn(now)
	}
	if got := fmt.Sprint(fired); got != "[again again again moved]" {
		t.Error(got)
	}
}

func TestWheelThatIsLateMissesNothing(t *testing.T) {
	w := wheelAt(0)
	fired := 0
	for i := range 1000 {
		w.NewTimer(func(time.Duration) { fired++ }).Set(time.Duration(i) * tick)
	}
	w.wheel.turn(998 * tick)
	if fired != 999 {
		t.Errorf("%d", fired)
	}
	w.wheel.turn(999 * tick)
	if fired != 1000 || w.wheel.set != 0 {
		t.Errorf("%d, %d left", fired, w.wheel.set)
	}
}

func TestTimersAllocateNothing(t *testing.T) {
	w := wheelAt(0)
	now := time.Duration(0)
	timer := w.NewTimer(func(time.Duration) {})
	if allocs := testing.AllocsPerRun(1000, func() {
		now += tick
		timer.Set(now)
		w.wheel.turn(now)
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// BenchmarkTickOfIdlePeers shows what 10 ms cost of a worker with ten thousand peers that do nothing.
func BenchmarkTickOfIdlePeers(b *testing.B) {
	w := wheelAt(0)
	for i := range 10000 {
		var t *Timer
		t = w.NewTimer(func(now time.Duration) { t.Set(now + consentTimeout) })
		t.Set(time.Duration(i) * consentTimeout / 10000)
	}
	now := time.Duration(0)
	for b.Loop() {
		now += tick
		w.wheel.turn(now)
	}
}
