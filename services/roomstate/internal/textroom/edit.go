package textroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

var editTable = []request.Field{
	request.May("secret", request.Text), request.May("new_description", request.Text), request.May("new_secret", request.Text),
	request.May("new_pin", request.Text), request.May("new_post", request.Text), request.May("new_is_private", request.Boolean),
	request.May("permanent", request.Boolean),
}

// edit changes a room. An empty secret, pin or post takes the old one away.
func (d *draft) edit() (members, *failure) {
	if f := check(d.body, editTable...); f != nil {
		return nil, f
	}
	if f := d.atMost(maxDescription, "new_description", "new_secret", "new_pin", "new_post"); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	a := *d.attributes
	if v, _ := d.body.Text("new_description"); v != "" {
		a.Description = v
	}
	a.Private = d.body.BoolOr("new_is_private", a.Private)
	if d.body.Has("new_secret") {
		a.Secret = d.textOrNil("new_secret")
	}
	if d.body.Has("new_pin") {
		a.Pin = d.textOrNil("new_pin")
	}
	if v, ok := d.body.Text("new_post"); ok {
		if f := d.mayPost(v); f != nil {
			return nil, f
		}
		a.Post = v
	}
	d.setAttributes(&a)
	d.notice("event", "edited", nil)
	return d.done("edited"), nil
}
