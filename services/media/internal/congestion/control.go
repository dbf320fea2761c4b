package congestion

import (
	"math"
	"time"
)

const (
	backOff        = 0.85 // of what arrives, at over-use
	growthASecond  = 1.08
	headroom       = 1.5    // how far beyond what arrives the estimate grows without a probe
	headroomBPS    = 10_000 // and in any case
	additivePacket = 1200 * 8
	leastRate      = 30_000
	mostRate       = 100_000_000
)

// rateControl is the rate that follows usage: additive or multiplicative increase, multiplicative decrease
// (draft-ietf-rmcat-gcc-02, section 5.5).
type rateControl struct {
	rate     float64
	changed  time.Duration // last time that it grew or might have
	lowered  time.Duration // last decrease
	holding  bool          // from a decrease until the queue has gone
	capacity capacity
}

// capacity is what arrived at recent over-use: near it, steps are small.
type capacity struct {
	mean, deviation float64 // deviation relative to the mean
	known           bool
}

func (c *capacity) take(rate float64) {
	if !c.known {
		*c = capacity{mean: rate, deviation: 0.03, known: true}
		return
	}
	err := (rate - c.mean) / c.mean
	c.mean += 0.2 * (rate - c.mean)
	c.deviation = min(max(c.deviation+0.2*(math.Abs(err)-c.deviation), 0.01), 0.1)
}

func (c *capacity) near(rate float64) bool {
	return c.known && math.Abs(rate-c.mean) < 3*c.deviation*c.mean
}

// decrease answers over-use, of a path that delivers arriving; 0 if that is not known. If it was a probe's, more may
// have arrived than was thought possible.
func (r *rateControl) decrease(arriving float64, probing bool, now time.Duration) {
	to := backOff * r.rate
	if arriving > 0 {
		to = backOff * arriving
		if !probing {
			to = min(to, r.rate)
		}
		if !r.capacity.near(arriving) {
			r.capacity.known = false
		}
		r.capacity.take(arriving)
	}
	r.set(to)
	r.lowered, r.changed, r.holding = now, now, true
}

// increase lets the rate grow with time, while arriving is not far below it.
func (r *rateControl) increase(arriving float64, rtt, now time.Duration) {
	elapsed := min(now-r.changed, time.Second)
	r.changed = now
	limit := headroom*arriving + headroomBPS
	if r.rate >= limit {
		return
	}
	if arriving > r.capacity.mean*(1+3*r.capacity.deviation) {
		r.capacity.known = false
	}
	var to float64
	if r.capacity.near(arriving) {
		to = r.rate + max(additivePacket*elapsed.Seconds()/(rtt+100*time.Millisecond).Seconds(), 4000*elapsed.Seconds())
	} else {
		to = r.rate*math.Pow(growthASecond, elapsed.Seconds()) + 1000*elapsed.Seconds()
	}
	r.set(min(to, limit))
}

func (r *rateControl) set(rate float64) { r.rate = min(max(rate, leastRate), mostRate) }

// counts is 1 for a packet that was sent since the last decrease: only those say something of the rate in force.
func (r *rateControl) counts(sent time.Duration) int {
	if sent < r.lowered {
		return 0
	}
	return 1
}
