package textroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// DemoRoom returns the request that makes the room of Janus's demo page, and the name of that room. Who has the secret may
// change and destroy it.
func (p *Plugin) DemoRoom(secret string) (body []byte, room string) {
	id := request.NumberID(1234)
	if p.cfg.StringIDs {
		id = request.StringID("1234")
	}
	return render(members{"request": "create", "transaction": "static", "room": id, "description": "Demo Room", "secret": secret}), roomName(id)
}
