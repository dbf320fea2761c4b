package transport

import "time"

const (
	// maxPathsPerPeer is from how many addresses one peer's checks are remembered.
	maxPathsPerPeer = 16
	// pathHeld is how long after its last authentic packet a path is its owner's alone. It is longer than browsers
	// let pass between checks, and short enough for an endpoint that gets the port of one that has just crashed.
	pathHeld = 5 * time.Second
)

// claim is whose a path is.
type claim struct {
	owner *Peer
	used  time.Duration // when an authentic check or media last came on it
}

func (p *Peer) allowCheck(now time.Duration) bool {
	if now-p.second >= time.Second {
		p.second, p.checks = now, 0
	}
	p.checks++
	return p.checks <= maxChecksPerSecond
}

// owns reports whether from is a path of p.
func (p *Peer) owns(from path) bool {
	c := p.w.paths[from]
	return c != nil && c.owner == p
}

// mayUse reports whether from can be a path of p. A source address is easily forged, so a check alone takes no path
// from an owner that is there.
func (p *Peer) mayUse(from path, now time.Duration) bool {
	c := p.w.paths[from]
	return c == nil || c.owner == p || now-c.used >= pathHeld
}

// checked takes note of a good connectivity check on a path that p may use.
func (p *Peer) checked(from path, ufrag string, nominated bool, now time.Duration) {
	p.heard = now
	if from.tcp != nil {
		from.tcp.prove()
	}
	if ufrag == p.local.Ufrag && p.previous != (Credentials{}) {
		p.forget(p.previous)
		p.previous = Credentials{}
	}
	p.remember(from, now)
	if nominated || !p.selected.valid() {
		p.choose(from)
	}
	if nominated {
		p.nominated(now)
	}
}

// remember makes from a path of this peer, whoever's it was.
func (p *Peer) remember(from path, now time.Duration) {
	if c := p.w.paths[from]; c != nil {
		if c.owner == p {
			c.used = now
			return
		}
		c.owner.lose(from)
	}
	if len(p.paths) == maxPathsPerPeer {
		for _, old := range p.paths {
			if old != p.selected {
				p.lose(old)
				break
			}
		}
	}
	p.paths = append(p.paths, from)
	p.w.paths[from] = &claim{owner: p, used: now}
}

// choose makes to the path on which all is sent.
func (p *Peer) choose(to path) {
	if p.selected == to {
		return
	}
	p.selected = to
	p.dtls.redirect(to)
}

// lose takes a path away, as when its connection ends.
func (p *Peer) lose(old path) {
	delete(p.w.paths, old)
	for i, known := range p.paths {
		if known == old {
			p.paths = append(p.paths[:i], p.paths[i+1:]...)
			break
		}
	}
	if p.selected != old {
		return
	}
	p.selected = path{}
	if len(p.paths) > 0 {
		p.choose(p.paths[len(p.paths)-1])
	}
}
