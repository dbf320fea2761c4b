package transport

import "time"

const (
	// tick is how exact timers are.
	tick = 10 * time.Millisecond
	// spokes is how many ticks the wheel goes round in. Timers further away stay for another turn.
	spokes = 256
)

// Timer is something to do once, later, on its worker's goroutine. It belongs to that goroutine.
type Timer struct {
	wheel      *wheel
	f          func(now time.Duration)
	at         int64  // tick in which it is due
	prev, next *Timer // in a spoke; nil if it is not set
}

// wheel holds timers by the tick in which they are due (a hashed timing wheel): setting, stopping and looking for
// what is due cost the same however many there are.
type wheel struct {
	turned  int64         // the last tick that has been looked at
	spokes  [spokes]Timer // heads of rings
	expired Timer         // likewise, of what is being run
	set     int           // timers that are
}

func (v *wheel) init(now time.Duration) {
	v.turned = int64(now / tick)
	v.expired.prev, v.expired.next = &v.expired, &v.expired
	for i := range v.spokes {
		head := &v.spokes[i]
		head.prev, head.next = head, head
	}
}

// NewTimer returns a timer that is not set.
func (w *Worker) NewTimer(f func(now time.Duration)) *Timer { return &Timer{wheel: &w.wheel, f: f} }

// Set makes the timer due at a time of the node's clock, and at no other: within 10 ms after it. One in the past is
// due at once.
func (t *Timer) Set(at time.Duration) {
	t.Stop()
	v := t.wheel
	t.at = max(int64((at+tick-1)/tick), v.turned+1)
	t.join(&v.spokes[t.at%spokes])
}

// join puts the timer last in a ring.
func (t *Timer) join(head *Timer) {
	t.prev, t.next = head.prev, head
	t.prev.next, head.prev = t, t
	t.wheel.set++
}

// IsSet reports whether the timer waits.
func (t *Timer) IsSet() bool { return t.next != nil }

// Stop makes the timer due never.
func (t *Timer) Stop() {
	if t.next == nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	t.prev, t.next = nil, nil
	t.wheel.set--
}

// due returns when to turn the wheel next, and false for never.
func (v *wheel) due() (time.Duration, bool) {
	if v.set == 0 {
		return 0, false
	}
	for next := v.turned + 1; ; next++ {
		if head := &v.spokes[next%spokes]; head.next != head {
			return time.Duration(next) * tick, true
		}
	}
}

// turn runs what has become due.
func (v *wheel) turn(now time.Duration) {
	last := int64(now / tick)
	first := max(v.turned+1, last-spokes+1) // each spoke once, however late it is
	v.turned = max(v.turned, last)
	for n := first; n <= last; n++ {
		head := &v.spokes[n%spokes]
		for t := head.next; t != head; {
			next := t.next
			if t.at <= last {
				t.Stop()
				t.join(&v.expired)
			}
			t = next
		}
	}
	for v.expired.next != &v.expired { // one of them may stop or set another
		t := v.expired.next
		t.Stop()
		t.f(now)
	}
}
