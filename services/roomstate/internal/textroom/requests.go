package textroom

import (
	"crypto/subtle"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// verb is a request about text rooms. Its answer, nil for none, has "success" put into it on a data channel.
type verb struct {
	do  func(d *draft) (members, *failure)
	api bool // it may come over the Janus API as well
}

var requests = map[string]verb{
	"join":             {(*draft).join, false},
	"leave":            {(*draft).leave, false},
	"message":          {(*draft).say, false},
	"announcement":     {(*draft).announce, true},
	"list":             {(*draft).list, true},
	"listparticipants": {(*draft).listParticipants, true},
	"exists":           {(*draft).exists, true},
	"create":           {(*draft).create, true},
	"edit":             {(*draft).edit, true},
	"destroy":          {(*draft).destroy, true},
	"allowed":          {(*draft).allow, true},
	"kick":             {(*draft).kick, true},
}

// message answers a request of the Janus API. One of the handle's own room does not come here.
func (d *draft) message() {
	body, _ := request.Read(d.Command.GetMessage().GetBody())
	d.body = body
	f := check(body, request.Must("request", request.Text))
	if body == nil {
		f = fail(errNotObject, "JSON error: not an object")
	}
	name, _ := body.Text("request")
	v := requests[strings.ToLower(name)]
	if f == nil && !v.api {
		f = fail(errRequest, "Unknown request '%s'", name)
	}
	if f != nil {
		f.TextRoom = "event"
		d.Reply = render(f)
		return
	}
	if d.Command.Over { // an administrator's, which has to have one, as at Janus
		if f := check(body, request.Must("transaction", request.Text)); f != nil {
			d.Reply = render(f)
			return
		}
	}
	answer, f := v.do(d)
	if f != nil {
		d.undo()
		d.Reply = render(f)
		return
	}
	d.Reply = render(answer)
}

// text answers what came over a data channel, there. What is no JSON is dropped.
func (d *draft) text(b []byte) {
	body, ok := request.Read(b)
	if !ok {
		return
	}
	d.body = body
	f := check(body, request.Must("textroom", request.Text), request.Must("transaction", request.Text))
	if f != nil {
		d.answer(f)
		return
	}
	name, _ := body.Text("textroom")
	transaction, _ := body.Text("transaction")
	v, known := requests[strings.ToLower(name)]
	if !known {
		f = fail(errRequest, "Unsupported request %s", name)
		f.Transaction = transaction
		d.answer(f)
		return
	}
	answer, f := v.do(d)
	switch {
	case f != nil:
		d.undo()
		f.Transaction = transaction
		d.answer(f)
	case answer != nil:
		answer["textroom"], answer["transaction"] = "success", transaction
		d.answer(answer)
	}
}

// answer sends a text to the peer that asked.
func (d *draft) answer(v any) {
	d.Texts = append(d.Texts, plugin.Text{To: []plugin.PeerKey{d.asker()}, Text: render(v)})
}

// asker is the peer that the command came from.
func (d *draft) asker() plugin.PeerKey {
	p := d.Command.GetPeer()
	return plugin.PeerKey{Node: p.GetNode(), Handle: d.me(), Generation: p.GetGeneration()}
}

// undo makes sure that a request that failed changes nothing.
func (d *draft) undo() {
	d.set, d.deleted, d.dropped = nil, nil, false
	d.Texts, d.Posts, d.Parted, d.Enter, d.Notices = nil, nil, nil, false, nil
}

// thisRoom fails unless the request names a room that exists.
func (d *draft) thisRoom() *failure {
	if f := check(d.body, request.Must("room", request.IDKind(d.cfg.StringIDs))); f != nil {
		return f
	}
	if d.attributes == nil {
		return fail(errNoSuchRoom, "No such room (%s)", d.asked())
	}
	return nil
}

// asked is what the request names, also where there is no such room.
func (d *draft) asked() request.ID {
	id, _ := d.body.ID("room", d.cfg.StringIDs)
	return id
}

// roomAndSecret is thisRoom, and the secret to change it.
func (d *draft) roomAndSecret() *failure {
	if f := d.thisRoom(); f != nil {
		return f
	}
	if d.byOperator() {
		return nil
	}
	return d.fits("secret", d.attributes.Secret)
}

// byOperator tells whether the request comes by the Admin API with the admin key, which stands for a room's secret there: whoever
// runs the servers can end a room whose secret is lost. Janus has no such way.
func (d *draft) byOperator() bool {
	key, _ := d.body.Text("admin_key")
	return d.Command.Over && key != "" && d.cfg.AdminKey != nil && subtle.ConstantTimeCompare([]byte(key), []byte(d.cfg.AdminKey.Text())) == 1
}

// fits compares a field with what is wanted, nil for anything, in constant time.
func (d *draft) fits(name string, want *string) *failure {
	if want == nil {
		return nil
	}
	if f := check(d.body, request.Must(name, request.Text)); f != nil {
		return f
	}
	if got, _ := d.body.Text(name); subtle.ConstantTimeCompare([]byte(got), []byte(*want)) != 1 {
		return fail(errUnauthorized, "Unauthorized (wrong %s)", name)
	}
	return nil
}
