package videocall

// accept passes the callee's answer to the caller.
func (d *draft) accept() (members, *failure) {
	u := d.user(d.me())
	other, ok := d.other(u)
	if !ok {
		return nil, fail(errNoCall, "No incoming call to accept")
	}
	switch d.jsep().GetType() {
	case "":
		return nil, fail(errMissingSDP, "Missing SDP")
	case "offer":
		return nil, fail(errInvalidSDP, "Error parsing answer: it is an offer")
	}
	answer := d.passAnswer(other)
	if answer == nil {
		return nil, nil
	}
	if !d.applyAll(other) {
		return nil, nil
	}
	d.tell(other, members{"event": "accepted", "username": u.name()}, answer)
	d.Notify(d.me(), u.OpaqueID, members{"event": "accepted"})
	return members{"event": "accepted"}, nil
}
