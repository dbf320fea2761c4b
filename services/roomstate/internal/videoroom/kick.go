package videoroom

type successView struct {
	VideoRoom string `json:"videoroom"`
}

// kick takes a participant out of the room and ends its media. Its watchers are renegotiated, which Janus puts off
// until they ask. It may come back: change the pin or the list first.
func (d *draft) kick() (any, *failure) {
	if f := check(d.body, may("secret", text), must("id", d.cfg.idKind())); f != nil {
		return nil, f
	}
	if f := d.looseRoomAndSecret(); f != nil {
		return nil, f
	}
	p, f := d.user()
	if f != nil {
		return nil, f
	}
	if p.Dummy {
		return nil, fail(errNoSuchFeed, "Can't kick dummy users")
	}
	p = d.own(p)
	d.tell(p, leftView{VideoRoom: "event", Room: d.id, Leaving: "ok", Reason: "kicked"})
	v := d.goneView(p)
	v.Kicked = p.ID
	d.tellOthers(p.handle, v)
	d.noticeOfRoom("kicked", p.ID)
	peer := d.withdraw(p)
	if d.attributes.RequirePrivateID {
		d.silence(p.PrivateID)
	}
	d.removePublisher(p)
	if peer != nil {
		d.Close(p.handle, peer, closePC, p.Remote)
	}
	return successView{"success"}, nil
}

// silence ends the media of the subscriptions that were opened under a private id.
func (d *draft) silence(privateID uint32) {
	for _, s := range d.watchers() {
		if s.PrivateID == privateID {
			s = d.ownSubscriber(s)
			s.Kicked = true
			_ = d.inform(s) // a node that does not answer has lost the peer, or will be told with what comes next
		}
	}
}

// user is the participant that a request names by id.
func (d *draft) user() (*publisher, *failure) {
	id, _ := d.body.ID("id", d.cfg.StringIDs)
	p := d.feed(id)
	if p == nil {
		return nil, fail(errNoSuchFeed, "No such user %s in room %s", id, d.id)
	}
	return p, nil
}
