package congestion

import "time"

const (
	probeLength     = 100 * time.Millisecond
	probeLengthREMB = time.Second // the endpoint measures over seconds
	probeStep       = 2.0         // how far a probe goes beyond the estimate at most
	probeStepAfter  = 1.5         // and after one that has failed
	probeLeast      = 300_000     // bits a second that a probe goes to, unless the last has failed
	probePackets    = 5           // fewer show nothing
	probeBeyond     = 1.1         // how far it goes beyond what is wanted
	probeGain       = 1.05        // a lesser gain is none
	probeShown      = 0.85        // share of what was sent that arrives as fast if the path is wide enough

	probeAgain    = 300 * time.Millisecond // after one that succeeded
	probeFirst    = 2 * time.Second        // after one that failed, or a decrease; longer each time
	probeLatest   = 5 * time.Second
	probePatience = 2 * time.Second // for feedback
)

// probe finds out whether a path takes more, by padding what is sent up to a rate for a moment.
type probe struct {
	number  uint8 // of the last
	running bool  // padding is sent
	waiting bool  // for feedback
	failed  bool  // the last
	sent    int   // bytes of all that was sent since it began
	rate    float64
	begun   time.Duration
	length  time.Duration
	final   uint64 // number of the last packet of it
	highest uint64 // that feedback has told of

	next time.Duration // not before then
	wait time.Duration // after the next failure

	first               bool // the first burst has begun to arrive
	count, bytes        int  // arrived; bytes without the first burst's
	firstSent, lastSent time.Duration
	from, to            time.Duration // arrivals
}

// tag is what packets sent now carry.
func (p *probe) tag() uint8 {
	if p.running {
		return p.number
	}
	return 0
}

// schedule begins a probe if it is time for one, and ends the one that is running.
func (e *Estimator) schedule(want float64, now time.Duration) {
	p := &e.probe
	switch {
	case p.running && now-p.begun >= p.length:
		p.running = false
		p.final = e.history.next - 1
		if e.byREMB {
			p.succeed(now)
		}
	case p.waiting && now-p.begun >= p.length+probePatience:
		p.fail(now)
	}
	calm := e.delay.queue <= shortQueue && e.loss.excess <= littleLoss && now-e.heard < silence
	if p.waiting || now < p.next || want <= e.control.rate || !calm && !e.byREMB {
		return
	}
	rate := max(probeStep*e.control.rate, probeLeast)
	if p.failed {
		rate = probeStepAfter * e.control.rate
	}
	number := p.number%255 + 1 // never 0
	*p = probe{
		number: number, running: true, waiting: true, failed: p.failed, begun: now, length: probeLength,
		rate: min(probeBeyond*want, rate), next: p.next, wait: p.wait,
	}
	if e.byREMB {
		p.length = probeLengthREMB
	}
	e.counters.Probes++
}

// padding is how much is missing to the probe's rate, in bytes.
func (p *probe) padding(now time.Duration) int {
	const ahead = 10 * time.Millisecond // until the next tick
	if !p.running {
		return 0
	}
	due := int(p.rate / 8 * (now - p.begun + ahead).Seconds())
	most := int(p.rate / 8 * (3 * ahead).Seconds())
	return min(max(due-p.sent, 0), most)
}

// arrived takes a packet that did, in the order of sending.
func (p *probe) arrived(t *sentPacket, seq uint64, sent, arrival time.Duration) {
	if !p.waiting || t.probe != p.number {
		return
	}
	p.count++
	switch {
	case !p.first:
		p.first = true
		p.firstSent, p.lastSent, p.from, p.to = sent, sent, arrival, arrival
	case sent-p.firstSent < time.Millisecond:
		p.from = max(p.from, arrival)
		p.to = p.from
	default:
		p.bytes += int(t.size)
		p.lastSent = max(p.lastSent, sent)
		p.to = max(p.to, arrival)
	}
}

// reported says that feedback has told of a packet.
func (p *probe) reported(seq uint64) { p.highest = max(p.highest, seq) }

// concludeProbe takes the result as soon as feedback has told of all of the probe.
func (e *Estimator) concludeProbe(now time.Duration) {
	p := &e.probe
	if !p.waiting || p.running || e.byREMB || p.highest < p.final {
		return
	}
	sent, arrived := (p.lastSent - p.firstSent).Seconds(), (p.to - p.from).Seconds()
	if p.count < probePackets || sent < (probeLength/4).Seconds() || arrived <= 0 {
		p.fail(now)
		return
	}
	// Bursts are what was sent: the last of them lasts as long as those before.
	sending, receiving := float64(8*p.bytes)/sent, float64(8*p.bytes)/arrived
	result := min(sending, receiving)
	if receiving < probeShown*sending {
		result = receiving * backOff
	}
	gained := result > probeGain*e.control.rate
	if result > e.control.rate {
		e.control.set(result)
		e.control.capacity.known = false
		e.control.changed = now
	}
	if receiving < probeShown*sending || !gained {
		p.fail(now)
		return
	}
	p.succeed(now)
}

func (p *probe) succeed(now time.Duration) {
	p.running, p.waiting, p.failed = false, false, false
	p.next, p.wait = now+probeAgain, 0
}

// fail ends a probe, if there is one, without a result; and puts off the next in any case.
func (p *probe) fail(now time.Duration) {
	if p.wait == 0 {
		p.wait = probeFirst
	}
	if p.waiting {
		p.wait = min(p.wait*2, probeLatest)
		p.failed = true
	}
	p.running, p.waiting = false, false
	p.next = now + p.wait
}
