package transport

import "time"

// maxPathsPerPeer is from how many addresses one peer's checks are remembered.
const maxPathsPerPeer = 16

func (p *Peer) allowCheck(now time.Duration) bool {
	if now-p.second >= time.Second {
		p.second, p.checks = now, 0
	}
	p.checks++
	return p.checks <= maxChecksPerSecond
}

// checked takes note of a good connectivity check.
func (p *Peer) checked(from path, ufrag string, nominated bool, now time.Duration) {
	p.heard = now
	if ufrag == p.local.Ufrag && p.previous != (Credentials{}) {
		p.forget(p.previous)
		p.previous = Credentials{}
	}
	p.remember(from)
	if nominated || !p.selected.valid() {
		p.choose(from)
	}
}

// remember makes from a path of this peer, whoever's it was: the newest proof counts.
func (p *Peer) remember(from path) {
	if owner := p.w.paths[from]; owner == p {
		return
	} else if owner != nil {
		owner.lose(from)
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
	p.w.paths[from] = p
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
