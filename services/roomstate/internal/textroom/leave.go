package textroom

import (
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// leave takes the handle out of the room. All hear of it, itself too.
func (d *draft) leave() (members, *failure) {
	if f := d.inRoom(); f != nil {
		return nil, f
	}
	m := d.members[d.me()]
	d.tellAll(d.left(d.me()))
	d.remove(d.me())
	d.notice("event", "leave", &member{Username: m.Username})
	return members{}, nil
}

// inRoom fails unless the handle is in the room that the request names.
func (d *draft) inRoom() *failure {
	if f := d.thisRoom(); f != nil {
		return f
	}
	if _, ok := d.members[d.me()]; !ok {
		return fail(errNotIn, "Not in room %s", d.id)
	}
	return nil
}

func (d *draft) left(id plugin.HandleID) members {
	return members{"textroom": "leave", "room": d.id, "username": d.members[id].Username}
}

// quit takes out a handle whose peer is gone; the others hear of it.
func (d *draft) quit(id plugin.HandleID) {
	left := d.left(id)
	d.remove(id)
	d.tellAll(left)
}

// detach ends a handle that is bound to no room, or takes one whose peer or session is over out of this.
func (d *draft) detach() {
	if !d.Command.Over {
		d.Gone = true
		e := &busv1.Event{Kind: &busv1.Event_Detached{Detached: &busv1.Detached{}}, OpaqueId: d.Command.Handle.OpaqueID}
		d.Emit(d.me(), e)
		return
	}
	m, ok := d.members[d.me()]
	if over := d.Command.GetDetach().GetGeneration(); ok && (over == 0 || m.Generation <= over) {
		d.quit(d.me())
		d.notice("event", "leave", &member{Username: m.Username})
	}
}
