package textroom

import (
	"fmt"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

var createTable = []request.Field{
	request.May("description", request.Text), request.May("secret", request.Text), request.May("pin", request.Text),
	request.May("post", request.Text), request.May("is_private", request.Boolean), request.May("history", request.Positive),
	request.May("allowed", request.Array), request.May("permanent", request.Boolean),
}

// create makes a room. It stays until destroyed: the store is what Janus's configuration file is.
func (d *draft) create() (members, *failure) {
	if f := d.checkCreate(); f != nil {
		return nil, f
	}
	if d.cfg.AdminKey != nil && !d.Command.Over {
		key := d.cfg.AdminKey.Text()
		if f := d.fits("admin_key", &key); f != nil {
			return nil, f
		}
	}
	a, f := d.newAttributes()
	if f != nil {
		return nil, f
	}
	if d.attributes != nil {
		return nil, fail(ErrRoomExists, "Room %s already exists", d.id)
	}
	if f := d.mayPost(a.Post); f != nil {
		return nil, f
	}
	switch full, known := d.Full(d.cfg.MaxRooms); {
	case !known:
		return nil, nil
	case full:
		d.Meet(plugin.Rooms)
		return nil, fail(errUnknown, "Maximum number of rooms (%d) already reached", d.cfg.MaxRooms)
	}
	if d.cfg.AdminKey == nil && !d.Command.Over && !d.Counts(d.cfg.SessionRooms) { // who has the key is trusted with more
		return nil, fail(errUnknown, "Maximum number of rooms (%d) already reached", d.cfg.SessionRooms)
	}
	d.setAttributes(a)
	d.notice("event", "created", nil)
	return d.done("created"), nil
}

func (d *draft) checkCreate() *failure {
	id := request.May("room", request.IDKind(d.cfg.StringIDs)) // looked at last
	if f := check(d.body, slices.Concat(createTable, []request.Field{id})...); f != nil {
		return f
	}
	if f := d.atMost(maxDescription, "description", "secret", "pin", "post"); f != nil {
		return f
	}
	return d.short("room")
}

// newAttributes are what the request says of the room.
func (d *draft) newAttributes() (*attributes, *failure) {
	a := &attributes{
		Description: fmt.Sprintf("Room %s", d.id), Private: d.body.BoolOr("is_private", false),
		Secret: d.textOrNil("secret"), Pin: d.textOrNil("pin"),
	}
	if description, _ := d.body.Text("description"); description != "" {
		a.Description = description
	}
	history, _ := d.body.Uint("history")
	a.History = int(min(history, uint64(d.cfg.MaxHistory)))
	if d.body.Has("allowed") {
		allowed, ok := d.body.Strings("allowed")
		if !ok {
			return nil, fail(errInvalid, "Invalid element in the allowed array (not a string)")
		}
		if words := request.TooManyTokens(allowed); words != "" {
			return nil, fail(errUnknown, "%s", words)
		}
		a.Allowed, a.CheckAllowed = allowed, true
	}
	a.Post, _ = d.body.Text("post")
	return a, nil
}

// maxName is how long names may be, in bytes, and maxDescription descriptions and what else a room has of texts. Lists have to fit into messages.
const maxName, maxDescription = 1024, 4096

// short fails if one of the fields is longer than a name may be.
func (d *draft) short(names ...string) *failure { return d.atMost(maxName, names...) }

func (d *draft) atMost(most int, names ...string) *failure {
	for _, name := range names {
		if v, _ := d.body.Text(name); len(v) > most {
			return fail(errInvalid, "Invalid value (%s should have at most %d bytes)", name, most)
		}
	}
	return nil
}

// textOrNil is nil for an empty text too, as that protects nothing.
func (d *draft) textOrNil(name string) *string {
	if v, _ := d.body.Text(name); v != "" {
		return &v
	}
	return nil
}

// mayPost fails if messages may not be posted there.
func (d *draft) mayPost(url string) *failure {
	if url == "" {
		return nil
	}
	if err := d.cfg.PostAllow.Check(url); err != nil {
		return fail(errUnauthorized, "Unauthorized (post: %v)", err)
	}
	return nil
}

// done answers what has changed a room.
func (d *draft) done(what string) members {
	return members{"textroom": what, "room": d.id, "permanent": d.body.BoolOr("permanent", false)}
}
