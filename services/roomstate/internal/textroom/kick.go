package textroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// kick takes a member out of the room. All hear of it, itself too.
func (d *draft) kick() (members, *failure) {
	if f := check(d.body, request.May("secret", request.Text), request.Must("username", request.Text)); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	username, _ := d.body.Text("username")
	id, ok := d.named(username)
	if !ok {
		return nil, fail(errNoSuchUser, "No such user %s in room %s", username, d.id)
	}
	d.tellAll(members{"textroom": "kicked", "room": d.id, "username": username})
	d.remove(id)
	d.notice("textroom", "kicked", &member{Username: username})
	return members{"textroom": "success"}, nil
}
