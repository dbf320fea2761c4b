package videocall

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// register gives the handle a name, for as long as it lives.
func (d *draft) register() (members, *failure) {
	if f := check(d.body, request.Must("username", request.Text)); f != nil {
		return nil, f
	}
	u := d.user(d.me())
	if u.Name != nil {
		return nil, fail(errRegistered, "Already registered (%s)", *u.Name)
	}
	name, _ := d.body.Text("username")
	if len(name) > maxName {
		return nil, fail(errInvalid, "Invalid value (username should have at most %d bytes)", maxName)
	}
	if _, taken := d.names[name]; taken {
		return nil, fail(errNameTaken, "Username '%s' already taken", name)
	}
	if d.full(len(name)) {
		return nil, fail(errUnknown, "Too many usernames already")
	}
	u.Name = &name
	d.put(d.me(), u)
	d.Notify(d.me(), u.OpaqueID, members{"event": "registered", "username": name})
	return members{"event": "registered", "username": name}, nil
}
