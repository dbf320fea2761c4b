package transport

import (
	"slices"
	"time"
)

const (
	// maxPathsPerPeer is from how many addresses one peer's checks are remembered.
	maxPathsPerPeer = 16
	// pathHeld is how long after its last authentic packet a path is its owner's alone. It is longer than browsers
	// let pass between checks, and short enough for an endpoint that gets the port of one that has just crashed.
	pathHeld = 5 * time.Second
)

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
	if p.owns(from) {
		return true
	}
	c := p.w.group.known.claimed(from)
	return c == nil || !c.held(now)
}

// checked takes note of a good connectivity check on a path that p may use, which arrived at the worker via. It comes
// before the answer, since datagrams that follow that are to find their way. False if the path has ended meanwhile.
func (p *Peer) checked(from path, via *Worker, ufrag string, now time.Duration) bool {
	if from.tcp != nil && !from.tcp.prove(p.w) {
		return false
	}
	p.heard = now
	if ufrag == p.local.Ufrag && p.previous != (Credentials{}) {
		p.forget(p.previous)
		p.previous = Credentials{}
		p.restarted = true
	}
	p.remember(from, now)
	if from.tcp == nil {
		p.w.announce(from, via)
	}
	return true
}

// settle comes after the answer to a check: to be sent to is the path that the endpoint nominated, or at first any.
func (p *Peer) settle(from path, nominated bool, now time.Duration) {
	if nominated || !p.selected.valid() {
		p.choose(from)
	}
	if nominated {
		p.nominated(now)
	}
}

// remember makes from a path of this peer, whoever's it was.
func (p *Peer) remember(from path, now time.Duration) {
	if p.owns(from) {
		p.w.paths[from].used.Store(int64(now))
		return
	}
	if len(p.paths) == maxPathsPerPeer {
		for _, old := range p.paths {
			if old != p.selected {
				p.lose(old)
				break
			}
		}
	}
	c := &claim{owner: p}
	c.used.Store(int64(now))
	if former := p.w.group.known.claim(from, c); former != nil {
		former.evict(from, p.w)
	}
	p.paths = append(p.paths, from)
	p.w.paths[from] = c
}

// evict takes a path from its owner, on behalf of a worker that has it claimed.
func (c *claim) evict(from path, by *Worker) {
	if c.owner.w == by {
		c.owner.lose(from)
		return
	}
	c.owner.w.Post(func(time.Duration) {
		if c.owner.w.paths[from] == c {
			c.owner.lose(from)
		}
	})
}

// announce has the worker on whose socket a path's datagrams arrive hand them over.
func (w *Worker) announce(from path, via *Worker) {
	c := w.paths[from]
	if via == w || slices.Contains(c.told, via) {
		return
	}
	c.told = append(c.told, via)
	via.Post(func(time.Duration) { via.foreign[from] = c })
}

// release ends the claim on a path of one of the worker's peers.
func (w *Worker) release(old path) {
	c := w.paths[old]
	delete(w.paths, old)
	w.group.known.release(old, c)
	for _, via := range c.told {
		via.Post(func(time.Duration) {
			if via.foreign[old] == c {
				delete(via.foreign, old)
			}
		})
	}
}

// choose makes to the path on which all is sent. After a restart of ICE it is told even if it is the same.
func (p *Peer) choose(to path) {
	if p.selected == to && !p.restarted {
		return
	}
	p.restarted = false
	if p.selected != to {
		p.selected = to
		p.dtls.redirect(to)
	}
	if w, ok := p.handler.(watcher); ok {
		w.Selected(to.addr, to.tcp != nil)
	}
}

// lose takes a path away, as when its connection ends.
func (p *Peer) lose(old path) {
	p.w.release(old)
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
