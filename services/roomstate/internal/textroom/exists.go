package textroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// exists tells whether a room does.
func (d *draft) exists() (members, *failure) {
	if f := check(d.body, request.Must("room", request.IDKind(d.cfg.StringIDs))); f != nil {
		return nil, f
	}
	return members{"textroom": "success", "room": d.asked(), "exists": d.attributes != nil}, nil
}
