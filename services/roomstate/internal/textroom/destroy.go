package textroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// destroy ends a room. All members hear of it.
func (d *draft) destroy() (members, *failure) {
	if f := check(d.body, request.May("secret", request.Text), request.May("permanent", request.Boolean)); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	d.tellAll(members{"textroom": "destroyed", "room": d.id})
	d.Parted = d.byAge()
	d.dropped = true
	d.notice("event", "destroyed", nil)
	return d.done("destroyed"), nil
}
