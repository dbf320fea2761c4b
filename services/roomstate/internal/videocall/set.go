package videocall

import (
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

var setTable = []request.Field{
	request.May("audio", request.Boolean), request.May("video", request.Boolean), request.May("bitrate", request.Positive),
	request.May("record", request.Boolean), request.May("filename", request.Text), request.May("restart", request.Boolean),
}

// configure changes what counts for the call, now or once there is one, and negotiates it anew if there is a description.
func (d *draft) configure() (members, *failure) {
	if f := check(d.body, setTable...); f != nil {
		return nil, f
	}
	asked, f := readLayers(d.body)
	if f != nil {
		return nil, f
	}
	switch name, given := d.body.Text("filename"); {
	case len(name) > maxName:
		return nil, fail(errInvalid, "Invalid value (filename should have at most %d bytes)", maxName)
	case given && d.full(len(name)):
		return nil, fail(errUnknown, "Too many file names already")
	}
	u := d.user(d.me())
	if next := u.Settings.with(d.body, asked); next != u.Settings {
		u.Settings = next
		d.put(d.me(), u)
		if u.Call != nil && u.Call.Accepted && !d.apply(d.me()) {
			return nil, nil
		}
	}
	if other, ok := d.other(u); ok && d.jsep() != nil {
		var jsep *busv1.Jsep
		if d.jsep().GetType() == "offer" {
			jsep = d.passOffer(other)
		} else if jsep = d.passAnswer(other); jsep != nil && !d.applyAll(other) {
			return nil, nil
		}
		if jsep == nil {
			return nil, nil
		}
		d.tell(other, members{"event": "update"}, jsep)
	}
	d.tellPresent(asked)
	d.Notify(d.me(), u.OpaqueID, u.Settings.notice())
	return members{"event": "set"}, nil
}

// tellPresent tells of each layer asked for that is relayed already: no switch will do so.
func (d *draft) tellPresent(asked wanted) {
	u := d.user(d.me())
	if u.Call == nil {
		return
	}
	now := u.Call.Relayed
	if asked.Substream != 0 && now.Substream != nil && int32(asked.Substream.number()) == *now.Substream {
		d.simulcast(now.Codec, "substream", *now.Substream)
	}
	if asked.Temporal != 0 && now.Temporal != nil && int32(asked.Temporal.number()) == *now.Temporal {
		d.simulcast(now.Codec, "temporal", *now.Temporal)
	}
}
