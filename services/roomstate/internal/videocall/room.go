package videocall

import (
	"fmt"
	"maps"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/moving"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// Room is all users. Neither its maps nor the users in them are ever changed in place.
type Room struct {
	users map[plugin.HandleID]*user
	names map[string]plugin.HandleID
}

// user is what is known of a handle.
type user struct {
	Name       *string      `json:"name,omitempty"` // nil: not registered
	OpaqueID   string       `json:"opaque_id,omitempty"`
	Generation uint32       `json:"generation,omitempty"` // of its last peer
	Settings   settings     `json:"settings"`
	Takes      uint32       `json:"takes,omitempty"` // recordings begun so far
	Call       *call        `json:"call,omitempty"`  // never changed in place
	Peer       *plugin.Peer `json:"peer,omitempty"`  // likewise; there as long as Call is
}

// call is a user's part in one.
type call struct {
	With     string    `json:"with"` // handle of the other party
	Accepted bool      `json:"accepted,omitempty"`
	Asked    bool      `json:"asked,omitempty"` // has been passed an offer that it has not answered
	E2EE     bool      `json:"e2ee,omitempty"`
	Sections []section `json:"sections,omitempty"`
	Relayed  layers    `json:"relayed"`
	Written  bool      `json:"written,omitempty"` // what it sends is recorded
}

// section is an m= section of the call in use.
type section struct {
	MID   string       `json:"mid"`
	Kind  mediav1.Kind `json:"kind"`
	Index uint32       `json:"index,omitempty"` // in SDP
}

// layers are what is relayed to a user; nil is not known.
type layers struct {
	Codec     string `json:"codec,omitempty"`
	Substream *int32 `json:"substream,omitempty"` // like Temporal never changed in place
	Temporal  *int32 `json:"temporal,omitempty"`
}

func (u user) name() string {
	if u.Name == nil {
		return ""
	}
	return *u.Name
}

// Apply runs the rule of the turn's command.
func (r *Room) Apply(t *plugin.Turn) plugin.Result {
	d := &draft{Turn: t, Room: *r, set: map[plugin.HandleID]bool{}}
	switch t.Command.GetVerb().(type) {
	case *busv1.Command_Message:
		d.message()
	case *busv1.Command_Hangup:
		d.end(d.me(), d.HangupReason())
	case *busv1.Command_Trickle:
		u := d.user(d.me())
		d.RefuseTrickle(u.Call != nil && u.Call.Accepted)
	case *busv1.Command_Detach:
		d.detach()
	case *busv1.Command_Peer:
		d.peer(t.Command.GetPeer())
	case *busv1.Command_Move:
		moving.Move(t, host{d})
	}
	return d.result()
}

// draft is a room in the making.
type draft struct {
	*plugin.Turn
	Room
	body request.Object
	then func()                   // what comes after the answer, as at Janus; nil for nothing
	own  bool                     // the maps are the draft's own
	set  map[plugin.HandleID]bool // users that have changed; false if they are gone
}

func (d *draft) result() plugin.Result {
	if len(d.set) == 0 {
		return plugin.Result{}
	}
	next := d.Room
	if len(d.users) == 0 {
		return plugin.Result{Next: &next, Drop: true}
	}
	r := plugin.Result{Next: &next, Set: map[string][]byte{}}
	for id, there := range d.set {
		if field := fieldUser + id.String(); there {
			r.Set[field] = render(d.users[id])
		} else {
			r.Delete = append(r.Delete, field)
		}
	}
	return r
}

func (d *draft) afterwards() {
	if d.then != nil {
		d.then()
	}
}

func (d *draft) me() plugin.HandleID { return d.Command.Handle.ID }

// user returns a copy of what is known of a handle. put makes it count.
func (d *draft) user(id plugin.HandleID) user {
	if u := d.users[id]; u != nil {
		return *u
	}
	return user{OpaqueID: d.Command.Handle.OpaqueID} // only of the command's handle nothing may be known
}

// other is the other party of a user's call, if it is in one.
func (d *draft) other(u user) (plugin.HandleID, bool) {
	if u.Call == nil {
		return plugin.HandleID{}, false
	}
	id, err := plugin.ParseHandleID(u.Call.With)
	return id, err == nil && d.users[id] != nil
}

func (d *draft) put(id plugin.HandleID, u user) {
	d.ownMaps()
	if u.Name != nil && d.user(id).Name == nil {
		d.names[*u.Name] = id
	}
	d.users[id] = &u
	d.set[id] = true
	if id == d.me() && d.Command.Handle.Room == "" {
		d.Bind = &plugin.Binding{Room: roomName, Role: role}
	}
}

func (d *draft) remove(id plugin.HandleID) {
	u := d.users[id]
	if u == nil {
		return
	}
	d.ownMaps()
	if u.Name != nil {
		delete(d.names, *u.Name)
	}
	delete(d.users, id)
	d.set[id] = false
}

func (d *draft) ownMaps() {
	if !d.own {
		d.users, d.names, d.own = maps.Clone(d.users), maps.Clone(d.names), true
	}
}

// core sends an event to a user.
func (d *draft) core(to plugin.HandleID, e *busv1.Event) {
	e.OpaqueId = d.user(to).OpaqueID
	d.Emit(to, e)
}

// tell sends a result to a user that has not asked for it.
func (d *draft) tell(to plugin.HandleID, result members, jsep *busv1.Jsep) {
	d.core(to, event(members{"videocall": "event", "result": result}, jsep))
}

func event(v any, jsep *busv1.Jsep) *busv1.Event {
	return &busv1.Event{Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: Name, Data: render(v), Jsep: jsep}}}
}

func (d *draft) hungUp(to plugin.HandleID, reason string) {
	d.core(to, &busv1.Event{Kind: &busv1.Event_Hangup{Hangup: &busv1.HangUp{Reason: reason}}})
}

// peerKey names a user's peer.
func peerKey(id plugin.HandleID, p *plugin.Peer) plugin.PeerKey {
	return plugin.PeerKey{Node: p.Node, Handle: id, Generation: p.Generation}
}

func peerID(id plugin.HandleID, p *plugin.Peer) *mediav1.PeerID {
	return &mediav1.PeerID{SessionId: id.Session, HandleId: id.Handle, Generation: p.Generation}
}

// feed is the name of what a user sends.
func feed(id plugin.HandleID, p *plugin.Peer) string {
	return fmt.Sprintf("%s/%s#%d", roomName, id, p.Generation)
}
