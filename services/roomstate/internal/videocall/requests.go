package videocall

import (
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// requests are what endpoints may ask for. What they return means nothing if the turn has ended: by a Failure, or by an
// open question.
var requests = map[string]func(d *draft) (members, *failure){
	"list":     (*draft).list,
	"register": (*draft).register,
	"call":     (*draft).call,
	"accept":   (*draft).accept,
	"set":      (*draft).configure,
	"hangup":   (*draft).hangup,
}

func (d *draft) message() {
	d.body, _ = request.Read(d.Command.GetMessage().GetBody())
	if d.Failure = d.untimely(); d.Failure != nil {
		return
	}
	result, f := d.answer()
	switch {
	case d.Failure != nil || len(d.Open) > 0:
	case f != nil:
		d.Answer(event(f, nil))
		d.afterwards()
	default:
		d.Answer(event(members{"videocall": "event", "result": result}, nil))
		d.afterwards()
	}
}

func (d *draft) answer() (members, *failure) {
	if d.body == nil {
		return nil, fail(errNotObject, "JSON error: not an object")
	}
	if f := check(d.body, request.Must("request", request.Text)); f != nil {
		return nil, f
	}
	if d.users[d.me()] == nil && len(d.users) >= maxUsers {
		return nil, fail(errUnknown, "Too many users already")
	}
	name, _ := d.body.Text("request")
	do, ok := requests[strings.ToLower(name)]
	if !ok {
		return nil, fail(errRequest, "Unknown request (%s)", name)
	}
	return do(d)
}

// untimely is what the core has against a description before the plugin sees it.
func (d *draft) untimely() error {
	in := d.user(d.me()).Call
	switch d.jsep().GetType() {
	case "answer":
		if in == nil || !in.Asked && (!in.Accepted || d.passesOn()) {
			return fault.Newf(fault.UnexpectedAnswer, "Unexpected ANSWER (did we offer?)")
		}
	case "offer":
		if in != nil && !in.Accepted {
			return fault.Newf(fault.BadRequest, "Error setting ICE locally")
		}
	}
	return nil
}

// passesOn tells whether the request would have the other party told the description: others do not look at it.
func (d *draft) passesOn() bool {
	name, _ := d.body.Text("request")
	return strings.EqualFold(name, "accept") || strings.EqualFold(name, "set")
}

func (d *draft) jsep() *busv1.Jsep { return d.Command.GetMessage().GetJsep() }
