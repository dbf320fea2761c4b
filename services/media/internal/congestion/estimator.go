package congestion

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	// datagramOverhead is what a packet grows by on its way out, in bytes: SRTP's tag (RFC 7714), UDP and IPv4.
	datagramOverhead = 16 + 8 + 20

	shortWindow = 200 * time.Millisecond // over which arrivals are counted at over-use: a full link delivers evenly
	longWindow  = time.Second            // and otherwise

	// silence is how long feedback may be missing while packets are sent, until the rate is halved.
	silence = time.Second
	// mostHold is how long a queue that does not go away keeps the rate from growing. Then it is none: the path has become
	// longer.
	mostHold  = 5 * time.Second
	mostDrain = 500 * time.Millisecond
	// shortQueue is a standing queue that keeps nobody from growing, or probing.
	shortQueue = 30 * time.Millisecond
)

// Counters count what an estimator has seen and done.
type Counters struct {
	Overuses uint64 // decreases for delay
	Losses   uint64 // decreases for loss
	Silences uint64 // decreases for want of feedback
	Probes   uint64 // begun
}

// Estimator is of one connection. Until there is a sign of congestion it sets no limit.
type Estimator struct {
	// What each packet touches comes first, to be in one line of the processor's cache.
	history history
	sent    time.Duration // when a packet was sent last
	probe   probe

	rtt      time.Duration // smoothed, the endpoint's interval of feedback included; 0 for unknown
	last     uint8         // count of the last feedback
	heard    time.Duration // when that came; 0 for never
	clock    endpointClock
	arrivals arrivalRate
	arriving float64 // over longWindow, when last known
	delay    delayTrend
	loss     lossMeter
	control  rateControl
	limited  bool
	byREMB   bool
	counters Counters
}

// NewEstimator returns an estimator that sets no limit.
func NewEstimator() *Estimator { return &Estimator{control: rateControl{rate: mostRate}} }

// Begin returns the transport-wide sequence number of the packet that is sent next.
func (e *Estimator) Begin(now time.Duration) uint16 {
	e.sent = now
	return e.history.begin(now, e.probe.tag())
}

// Next is the number that Begin returns next.
func (e *Estimator) Next() uint16 { return uint16(e.history.next) }

// GoOnAt makes seq the number that Begin returns next. It is for a connection that another node has sent on.
func (e *Estimator) GoOnAt(seq uint16) { e.history.next = packet.FirstCycle + uint64(seq) }

// Sent says how large it was, in bytes, before SRTP.
func (e *Estimator) Sent(size int) {
	e.history.sized(size + datagramOverhead)
	e.probe.sent += size + datagramOverhead
}

// Estimate is what the connection takes, in bits a second; false if nothing limits it so far.
func (e *Estimator) Estimate() (bps uint64, limited bool) { return uint64(e.control.rate), e.limited }

// Draining is the part of the estimate to use now: less than all of it while a queue stands, so that it shrinks soon.
func (e *Estimator) Draining() uint64 {
	return uint64(max(e.control.rate*e.drain(), leastRate))
}

// drain is the share of the rate that Draining is: half of it at mostDrain and beyond.
func (e *Estimator) drain() float64 {
	excess := float64(e.delay.queue-longQueue) / float64(mostDrain-longQueue)
	return 1 - min(max(excess, 0), 1)/2
}

// Counters returns what was counted since the estimator was made.
func (e *Estimator) Counters() Counters { return e.counters }

// Feedback takes what the endpoint says of packets sent.
func (e *Estimator) Feedback(a *feedback.Arrivals, now time.Duration) {
	if e.heard != 0 && a.Count != e.last+1 {
		e.arrivals.forget()
	}
	e.last, e.heard, e.byREMB = a.Count, now, false
	reference := e.clock.extend(a.Reference)
	var received, lost int
	var newest time.Duration
	for r, more := a.Next(); more; r, more = a.Next() {
		p, seq := e.history.find(r.Seq)
		if p == nil || p.fate == fateArrived {
			continue
		}
		sent := p.sentAt(now)
		if !r.Received {
			if p.fate == fateUnknown {
				p.fate = fateLost
				lost += e.control.counts(sent)
			}
			e.probe.reported(seq)
			continue
		}
		arrival := reference + r.After
		if p.fate == fateLost { // it was late
			lost -= e.control.counts(sent)
		} else {
			e.delay.arrived(sent, arrival)
			newest = max(newest, sent)
		}
		p.fate = fateArrived
		received += e.control.counts(sent)
		e.arrivals.add(arrival, int(p.size))
		e.probe.arrived(p, seq, sent, arrival)
		e.probe.reported(seq)
	}
	e.loss.count(received, lost)
	if newest > 0 {
		e.measure(now - newest)
	}
	e.update(now)
}

func (e *Estimator) measure(rtt time.Duration) {
	if e.rtt == 0 {
		e.rtt = rtt
	}
	e.rtt += (rtt - e.rtt) / 8
}

// update draws the conclusions.
func (e *Estimator) update(now time.Duration) {
	if long := e.arrivals.over(longWindow); long > 0 {
		e.arriving = long
	}
	lossy := e.loss.close(now) && e.answerLoss(now)
	switch {
	case lossy:
	case e.delay.now == over:
		e.answerOveruse(now)
	case e.delay.now == under:
		e.control.changed = now
	default:
		e.grow(now)
	}
	e.concludeProbe(now)
}

func (e *Estimator) answerOveruse(now time.Duration) {
	arriving := e.arrivals.over(shortWindow)
	if arriving == 0 {
		arriving = e.arriving
	}
	if arriving == 0 && !e.limited {
		return
	}
	e.limited = true
	e.counters.Overuses++
	e.control.decrease(arriving, e.probe.waiting, now)
	e.delay.restart(now)
	e.probe.fail(now)
}

// answerLoss lowers the rate if more is lost than usual, and says whether it did.
func (e *Estimator) answerLoss(now time.Duration) bool {
	if e.loss.excess < muchLoss {
		return false
	}
	rate := e.control.rate
	if arriving := e.arrivals.over(shortWindow); arriving > 0 {
		rate = min(rate, arriving/(1-e.loss.share)) // what was sent, which may be less than the estimate
	} else if !e.limited {
		return false
	}
	e.limited = true
	e.counters.Losses++
	e.control.set(rate * (1 - e.loss.share/2))
	e.control.lowered, e.control.changed, e.control.holding = now, now, true
	e.delay.restart(now)
	e.probe.fail(now)
	return true
}

func (e *Estimator) grow(now time.Duration) {
	if e.control.holding && e.delay.queue > shortQueue && now-e.control.lowered >= mostHold {
		e.delay.rebase(now)
	}
	if e.control.holding && (e.delay.queue > shortQueue && now-e.control.lowered < mostHold) || e.loss.excess > littleLoss {
		e.control.changed = now
		return
	}
	e.control.holding = false
	e.control.increase(e.arriving, e.rtt, now)
}

// REMB takes the endpoint's own estimate (draft-alvestrand-rmcat-remb-03), in bits a second. It counts as long as
// there is no feedback of other kind.
func (e *Estimator) REMB(bps uint64, now time.Duration) {
	if e.heard != 0 && !e.byREMB {
		return
	}
	e.heard, e.byREMB, e.limited = now, true, true
	e.control.set(float64(bps))
}

// Tick is to be called every 10 to 20 ms, and returns how many bytes of padding to send now, to find out whether the
// connection takes wantBPS.
func (e *Estimator) Tick(wantBPS uint64, now time.Duration) int {
	if !e.limited || e.heard == 0 {
		return 0
	}
	if !e.byREMB && e.sent-e.heard >= silence {
		e.counters.Silences++
		e.control.set(e.control.rate / 2)
		e.control.changed, e.control.lowered = now, now
		e.heard = now
		e.probe.fail(now)
	}
	e.schedule(float64(wantBPS), now)
	return e.probe.padding(now)
}

// endpointClock extends the reference times of feedback.
type endpointClock struct {
	last  int64
	known bool
}

const (
	referenceUnit  = 64 * time.Millisecond
	referenceCycle = 1 << 24
)

// extend returns a reference time, on a clock that does not wrap, nearest to the one before.
func (c *endpointClock) extend(reference uint32) time.Duration {
	if !c.known {
		c.last, c.known = referenceCycle+int64(reference), true // so that one before it is above 0 too
	}
	step := (int64(reference) - c.last) & (referenceCycle - 1)
	if step >= referenceCycle/2 {
		step -= referenceCycle
	}
	c.last += step
	return time.Duration(c.last) * referenceUnit
}
