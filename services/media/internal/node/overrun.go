package node

import "time"

// Overrun is of transport.Handler.
func (p *peer) Overrun(now time.Duration) {
	for _, out := range p.subscribing.legs {
		out.leg.Overrun(now)
	}
}

// Bounded is of transport.Handler.
func (p *peer) Bounded(now time.Duration) { p.setBounded(true, now) }

// setBounded has nothing flow while what is sent has reached a bound.
func (p *peer) setBounded(on bool, now time.Duration) {
	if p.bounded != on {
		p.bounded = on
		p.reflow(now)
	}
}

// reflow sees what flows now.
func (p *peer) reflow(now time.Duration) {
	for _, s := range p.subscribing.slots {
		s.flow(now)
	}
}

// setQuiet has nothing flow while it is not known whose the peers are.
func (sh *shard) setQuiet(on bool, now time.Duration) {
	if sh.quiet == on {
		return
	}
	sh.quiet = on
	for _, p := range sh.peers {
		p.reflow(now)
	}
}
