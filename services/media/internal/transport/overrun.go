package transport

import "time"

// overrun takes note that a packet was dropped that the endpoint or the network would not take, or that is beyond its bound. The
// rest of the burst is of no use then, and at its end the handler is told.
func (p *Peer) overrun() {
	if !p.overran {
		p.overran = true
		p.w.overran = append(p.w.overran, p)
	}
}

// tellOverruns is for the end of a burst.
func (w *Worker) tellOverruns(now time.Duration) {
	for i, p := range w.overran {
		p.overran = false
		w.overran[i] = nil
		beyond := p.beyond
		p.beyond = false
		switch {
		case p.closed:
		case beyond:
			p.handler.Bounded(now)
		default:
			p.handler.Overrun(now)
		}
	}
	w.overran = w.overran[:0]
}
