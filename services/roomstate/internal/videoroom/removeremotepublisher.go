package videoroom

// removeRemotePublisher ends a remote publisher.
func (d *draft) removeRemotePublisher() (any, *failure) {
	if f := check(d.body, must("room", d.cfg.idKind()), must("id", d.cfg.idKind())); f != nil {
		return nil, f
	}
	p, f := d.remotePublisher()
	if f != nil {
		return nil, f
	}
	if f := d.mayForward(); f != nil {
		return nil, f
	}
	p = d.own(p)
	peer := p.Peer
	d.removeRemote(p)
	d.Close(p.handle, peer, "", true)
	return successView{"success"}, nil
}

// removeRemote takes a remote publisher out. Here even those subscribers are offered the change that update by themselves.
func (d *draft) removeRemote(p *publisher) {
	d.withdraw(p)
	for _, s := range d.watchers() {
		if !s.Unasked || s.Peer == nil {
			continue
		}
		s = d.ownSubscriber(s)
		s.Changed, s.Unasked = true, false
		if !s.Offered {
			d.offerWaiting(s)
		}
	}
	d.tellLeaving(p)
	d.removePublisher(p)
}
