package emulator

import (
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// arrivals sends packets of 1000 bytes and returns when each came out, by its number; the conditions change at some.
func arrivals(l *Link, sent []time.Duration, change map[int]Conditions) map[byte]time.Duration {
	got := map[byte]time.Duration{}
	next := 0
	for now := time.Duration(0); now < 20*time.Second; now += ms {
		for next < len(sent) && sent[next] <= now {
			if c, ok := change[next]; ok {
				l.Set(c)
			}
			b := make([]byte, 1000)
			b[0] = byte(next)
			l.Enter(b, now)
			next++
		}
		l.Leave(now, func(b []byte) { got[b[0]] = now })
	}
	return got
}

func TestPacketsAreDelayedAndPacedInOrder(t *testing.T) {
	at := func(times ...time.Duration) []time.Duration { return times }
	for name, c := range map[string]struct {
		sent   []time.Duration
		change map[int]Conditions
		want   map[byte]time.Duration
	}{
		"nothing is done":    {at(0, ms), nil, map[byte]time.Duration{0: 0, 1: ms}},
		"delay":              {at(0, ms), map[int]Conditions{0: {Delay: 30 * ms}}, map[byte]time.Duration{0: 30 * ms, 1: 31 * ms}},
		"rate":               {at(0, 0, 0), map[int]Conditions{0: {RateBps: 800_000, QueueMax: 9000}}, map[byte]time.Duration{0: 10 * ms, 1: 20 * ms, 2: 30 * ms}},
		"queue is full":      {at(0, 0, 0), map[int]Conditions{0: {RateBps: 800_000, QueueMax: 2000}}, map[byte]time.Duration{0: 10 * ms, 1: 20 * ms}},
		"the rate grows":     {at(0, 0, 5*ms), map[int]Conditions{0: {RateBps: 80_000, QueueMax: 9000}, 2: {RateBps: 8_000_000, QueueMax: 9000}}, map[byte]time.Duration{0: 5 * ms, 1: 5 * ms, 2: 6 * ms}},
		"the delay shrinks":  {at(0, 10*ms), map[int]Conditions{0: {Delay: 100 * ms}, 1: {}}, map[byte]time.Duration{0: 100 * ms, 1: 100 * ms}},
		"a pause is no debt": {at(0, 100*ms), map[int]Conditions{0: {RateBps: 800_000, QueueMax: 9000}}, map[byte]time.Duration{0: 10 * ms, 1: 110 * ms}},
	} {
		got := arrivals(NewLink(1), c.sent, c.change)
		for i, want := range c.want {
			if got[i] != want {
				t.Errorf("%s: packet %d came after %v, not %v", name, i, got[i], want)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLossFollowsFromTheSeed(t *testing.T) {
	lost := func(seed uint64) (which []int) {
		l := NewLink(seed)
		l.Set(Conditions{Loss: 0.1})
		for i := range 10_000 {
			before := l.Lost
			l.Enter([]byte{1}, 0)
			if l.Lost > before {
				which = append(which, i)
			}
		}
		return which
	}
	a, b, c := lost(1), lost(1), lost(2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("not by the seed")
	}
	if len(a) < 900 || len(a) > 1100 {
		t.Errorf("%d of 10000 lost", len(a))
	}
}

func TestWhatIsInsideIsBounded(t *testing.T) {
	l := NewLink(1)
	l.Set(Conditions{Delay: time.Hour})
	for range maxDelayed + 5 {
		l.Enter([]byte{1}, 0)
	}
	if l.Dropped != 5 {
		t.Errorf("%d dropped", l.Dropped)
	}
}

func TestNextTellsWhenToLookAgain(t *testing.T) {
	l := NewLink(1)
	if _, ok := l.Next(); ok {
		t.Error("an empty link has nothing to do")
	}
	l.Set(Conditions{Delay: 5 * ms, RateBps: 800_000, QueueMax: 9000})
	l.Enter(make([]byte, 1000), 0)
	var steps []time.Duration
	for {
		at, ok := l.Next()
		if !ok {
			break
		}
		steps = append(steps, at)
		l.Leave(at, func([]byte) {})
	}
	if !slices.Equal(steps, []time.Duration{10 * ms, 15 * ms}) {
		t.Errorf("%v", steps)
	}
}
