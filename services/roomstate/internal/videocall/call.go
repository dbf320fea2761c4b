package videocall

import (
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// call passes the caller's offer to who has the name. Whatever else comes of it ends the caller's PeerConnection, even that
// of another call, as at Janus.
func (d *draft) call() (members, *failure) {
	to, f := d.callee()
	if f == nil && d.user(to).Call != nil {
		d.then = d.endCalling
		d.noticeHangup(d.me(), "User busy")
		return members{"event": "hangup", "username": d.user(d.me()).name(), "reason": "User busy"}, nil
	}
	if f == nil && d.jsep() == nil {
		f = fail(errMissingSDP, "Missing SDP")
	}
	if f != nil {
		d.then = d.endCalling
		return nil, f
	}
	if !d.connect(to) {
		return nil, nil
	}
	offer := d.passOffer(to)
	if offer == nil {
		return nil, nil
	}
	caller := d.user(d.me())
	d.tell(to, members{"event": "incomingcall", "username": caller.name()}, offer)
	d.Notify(d.me(), caller.OpaqueID, members{"event": "calling"})
	return members{"event": "calling"}, nil
}

// callee is who is called.
func (d *draft) callee() (plugin.HandleID, *failure) {
	var nobody plugin.HandleID
	u := d.user(d.me())
	if u.Name == nil {
		return nobody, fail(errRegisterFirst, "Register a username first")
	}
	if u.Call != nil {
		return nobody, fail(errInCall, "Already in a call")
	}
	if f := check(d.body, request.Must("username", request.Text)); f != nil {
		return nobody, f
	}
	name, _ := d.body.Text("username")
	if name == *u.Name {
		return nobody, fail(errSelf, "You can't call yourself... use the EchoTest for that")
	}
	to, ok := d.names[name]
	if !ok {
		return nobody, fail(errNoSuchName, "Username '%s' doesn't exist", name)
	}
	return to, nil
}

// endCalling ends what the core has begun for a call that does not come about.
func (d *draft) endCalling() {
	switch {
	case d.user(d.me()).Call != nil:
		d.end(d.me(), closed)
	case d.jsep() != nil:
		d.hungUp(d.me(), closed)
	}
}

// connect makes the command's handle and another the parties of a call, each with a peer on the same node. It returns false
// if the turn has ended.
func (d *draft) connect(to plugin.HandleID) bool {
	parties := []plugin.HandleID{d.me(), to}
	placed, known := d.Ask(plugin.Question{Place: true, Load: plugin.LoadOf(d.jsep().GetSdp()).Times(4)}) // of two, there and back
	answers := []plugin.Answer{placed}
	for _, id := range parties {
		spent, ok := d.Ask(plugin.Question{Spent: true, Handle: id})
		answers, known = append(answers, spent), known && ok
	}
	if !known {
		return false
	}
	for _, answer := range answers {
		if answer.Err != nil {
			d.Failure = answer.Err
			return false
		}
	}
	for i, id := range parties {
		u := d.user(id)
		u.Generation = max(u.Generation, answers[i+1].Spent) + 1
		u.Peer = &plugin.Peer{Node: placed.Node, Generation: u.Generation}
		u.Call = &call{With: parties[1-i].String()}
		d.put(id, u)
	}
	return true
}
