package videoroom

// destroy ends a room and all media in it. Janus leaves subscribers with a silent PeerConnection; here it is closed.
func (d *draft) destroy() (any, *failure) {
	if f := check(d.body, must("room", d.cfg.idKind()), may("permanent", boolean)); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	d.tellAll(roomView{VideoRoom: "destroyed", Room: d.id})
	for _, p := range d.byAge() {
		if p.Peer != nil {
			d.parted(p.handle, p.Peer)
			d.Close(p.handle, p.Peer, closePC, p.Remote)
		}
		delete(d.publishers, p.handle)
	}
	for _, s := range d.watchers() {
		if s.Peer != nil {
			d.parted(s.handle, s.Peer)
			d.Close(s.handle, s.Peer, closePC, false)
		}
		delete(d.subscribers, s.handle)
	}
	d.notice(notice{Event: "destroyed"})
	d.attributes = nil
	d.dropped = true
	permanent := d.body.BoolOr("permanent", false) // it is gone for good anyway
	return roomView{"destroyed", d.id, &permanent}, nil
}
