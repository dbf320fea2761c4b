package node

import "time"

// Overrun is of transport.Handler.
func (p *peer) Overrun(now time.Duration) {
	for _, out := range p.subscribing.legs {
		out.leg.Overrun(now)
	}
}
