package textroom

import (
	"crypto/subtle"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

var joinTable = []request.Field{
	request.Must("username", request.Text), request.May("pin", request.Text), request.May("token", request.Text),
	request.May("display", request.Text), request.May("history", request.Boolean),
}

// memberView is a member, as others see it.
type memberView struct {
	Username string `json:"username"`
	Display  string `json:"display,omitempty"`
}

// join lets a handle in: it gets the history, then all hear of it, and last it gets its answer.
func (d *draft) join() (members, *failure) {
	if f := check(d.body, joinTable...); f != nil {
		return nil, f
	}
	if f := d.short("username", "display"); f != nil {
		return nil, f
	}
	if f := d.mayJoin(); f != nil {
		return nil, f
	}
	username, _ := d.body.Text("username")
	if m, in := d.members[d.me()]; in {
		if m.Generation >= d.asker().Generation {
			return nil, fail(errAlreadyIn, "Already in room %s", d.id)
		}
		d.quit(d.me()) // with an earlier peer
	}
	if _, taken := d.named(username); taken {
		return nil, fail(errNameTaken, "Username already taken")
	}
	if d.cfg.MaxParticipants > 0 && len(d.members) >= d.cfg.MaxParticipants {
		d.Meet(plugin.Participants)
		return nil, fail(errUnknown, "Maximum number of participants (%d) already reached", d.cfg.MaxParticipants)
	}
	others := d.memberViews()
	m := member{Username: username, Node: d.asker().Node, Generation: d.asker().Generation}
	m.Display, _ = d.body.Text("display")
	if ids := d.byAge(); len(ids) > 0 {
		m.Joined = d.members[ids[len(ids)-1]].Joined + 1
	}
	d.put(d.me(), m)
	d.Enter = true
	d.Parted = slices.DeleteFunc(d.Parted, func(id plugin.HandleID) bool { return id == d.me() })
	if d.body.BoolOr("history", true) {
		for _, l := range d.lines {
			d.Texts = append(d.Texts, plugin.Text{To: []plugin.PeerKey{d.asker()}, Text: l.text})
		}
	}
	joined := members{"textroom": "join", "room": d.id, "username": username}
	if m.Display != "" {
		joined["display"] = m.Display
	}
	d.tellAll(joined)
	d.notice("event", "join", &m)
	return members{"participants": others}, nil
}

// mayJoin asks for pin and token.
func (d *draft) mayJoin() *failure {
	if f := d.thisRoom(); f != nil {
		return f
	}
	if f := d.fits("pin", d.attributes.Pin); f != nil {
		return f
	}
	if d.attributes.CheckAllowed && !d.onAllowedList() {
		return fail(errUnauthorized, "Unauthorized (not in the allowed list)")
	}
	return nil
}

// onAllowedList takes the same time whichever token of the list it is.
func (d *draft) onAllowedList() bool {
	token, given := d.body.Text("token")
	on := 0
	for _, allowed := range d.attributes.Allowed {
		on |= subtle.ConstantTimeCompare([]byte(token), []byte(allowed))
	}
	return given && on == 1
}

// memberViews are the members in the order of their joins.
func (r *Room) memberViews() []memberView {
	views := make([]memberView, 0, len(r.members))
	for _, id := range r.byAge() {
		views = append(views, memberView{r.members[id].Username, r.members[id].Display})
	}
	return views
}
