package videocall

import (
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// closed is what an endpoint is told of a PeerConnection that we end, in Janus's words.
const closed = "Close PC"

// hangup ends or rejects a call. Nothing is wrong with it where there is none.
func (d *draft) hangup() (members, *failure) {
	u := d.user(d.me())
	result := members{"event": "hangup", "reason": "Explicit hangup"}
	if u.Name != nil {
		result["username"] = *u.Name
	}
	d.noticeHangup(d.me(), "Explicit hangup")
	if other, ok := d.other(u); ok {
		reason, given := d.body.Text("reason")
		if !given {
			reason = "We did the hangup"
		}
		d.tell(other, members{"event": "hangup", "username": u.name(), "reason": reason}, nil)
		d.noticeHangup(other, "Remote hangup")
		d.then = func() { d.end(d.me(), closed) }
	}
	return result, nil
}

// end ends a user's call. Both hear of it, from the plugin and from the core.
func (d *draft) end(id plugin.HandleID, reason string) {
	u := d.user(id)
	if u.Call == nil {
		return
	}
	other, ok := d.other(u)
	d.leave(id, reason, d.user(other).name())
	if ok {
		d.leave(other, closed, u.name())
	}
}

// leave takes a user out of its call, which the one of that name has ended.
func (d *draft) leave(id plugin.HandleID, reason, by string) {
	d.tell(id, members{"event": "hangup", "username": by, "reason": "Remote WebRTC hangup"}, nil)
	d.noticeHangup(id, "Remote WebRTC hangup")
	d.hungUp(id, reason)
	d.drop(id)
}

// drop ends a user's peer and forgets its call, and what was set for that.
func (d *draft) drop(id plugin.HandleID) {
	u := d.user(id)
	d.Close(id, u.Peer, "", true)
	d.Lost = append(d.Lost, u.Peer.Keys(id)...)
	u.Peer, u.Call, u.Settings = nil, nil, settings{}
	d.put(id, u)
}

// noticeHangup tells event handlers why a user's call has ended, in Janus's words: once for each way in which it is told so.
func (d *draft) noticeHangup(id plugin.HandleID, reason string) {
	d.Notify(id, d.user(id).OpaqueID, members{"event": "hangup", "reason": reason})
}

// detach gives the handle's name back.
func (d *draft) detach() {
	u := d.user(d.me())
	if other, ok := d.other(u); ok {
		d.leave(other, closed, u.name())
	}
	if u.Call != nil {
		d.drop(d.me())
	}
	d.remove(d.me())
	d.Gone, d.Bind = true, nil
	d.core(d.me(), &busv1.Event{Kind: &busv1.Event_Detached{Detached: &busv1.Detached{}}})
}
