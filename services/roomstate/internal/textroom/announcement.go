package textroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// announce sends a text of nobody's to all members, and keeps it for those who come later.
func (d *draft) announce() (members, *failure) {
	if f := check(d.body, request.May("secret", request.Text), request.Must("text", request.Text)); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	text, _ := d.body.Text("text")
	m := members{"textroom": "announcement", "room": d.id, "date": d.date(), "text": text}
	d.tellAll(m)
	d.post(m)
	d.keep(m, "")
	return members{"textroom": "success"}, nil
}
