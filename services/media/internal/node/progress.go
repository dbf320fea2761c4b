package node

// progress is how far ICE has got since it began, or was restarted, as observers were told. They hear gathering,
// connecting, of the pair, connected and ready, in this order: that of an agent that waits for the endpoint's description
// and then checks. Endpoints check a node as soon as they have its description, which may be before theirs is here.
type progress struct {
	gathers, connects, ready bool
	secures                  bool      // DTLS has begun, which it does once
	pair                     *Selected // not told yet
}

// reached is of a peer that comes from another node.
var reached = progress{gathers: true, connects: true, ready: true, secures: true}

// gathers tells of our candidates before our first description. A node has its addresses already; Janus tells so too.
func (p *peer) gathers() {
	if p.progress.gathers {
		return
	}
	p.progress.gathers = true
	p.observe(ICE{"gathering"})
	p.observe(Gathered{p.conn.Candidates()})
}

// restartICE makes new credentials. The candidates are the same, so they are not told again.
func (p *peer) restartICE() {
	p.conn.RestartICE()
	if !p.progress.connects {
		return // again, or the first offer again: nobody has got the credentials of the try before
	}
	p.progress = progress{gathers: true, secures: p.progress.secures}
	p.observe(ICE{"gathering"})
}

// connects tells that the endpoint's credentials are here.
func (p *peer) connects() {
	p.gathers()
	if !p.progress.connects {
		p.progress.connects = true
		p.observe(ICE{"connecting"})
	}
	p.tellPair()
}

// tellPair tells of the pair that was selected, once that can be.
func (p *peer) tellPair() {
	g := &p.progress
	if g.pair == nil || !g.connects {
		return
	}
	p.observe(*g.pair)
	g.pair = nil
	if !g.ready {
		g.ready = true
		p.observe(ICE{"connected"})
		p.observe(ICE{"ready"})
	}
	if !g.secures {
		g.secures = true
		p.observe(DTLS{"trying"})
	}
}
