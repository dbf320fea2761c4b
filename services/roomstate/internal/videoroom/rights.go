package videoroom

import "strings"

// The roles that a token may give (ADR 22), each with all that those before it have.
const (
	watches   = 1 + iota // subscriber: is in the room and receives
	publishes            // publisher: sends as well
	moderates            // moderator: mutes others and takes them out
	administers
)

var ranks = map[string]int{"subscriber": watches, "publisher": publishes, "moderator": moderates, "admin": administers}

// least is the role that a request takes, where the token has one. What is not here takes the highest.
var least = map[string]int{
	"exists": watches, "list": watches, "listparticipants": watches,
	"join": watches, "joinandconfigure": watches, "configure": watches, "leave": watches,
	"start": watches, "pause": watches, "subscribe": watches, "unsubscribe": watches, "update": watches, "switch": watches,
	"publish": publishes, "unpublish": publishes,
	"kick": moderates, "moderate": moderates, "allowed": moderates,
	"create": administers, "edit": administers, "destroy": administers, "enable_recording": administers,
	"rtp_forward": administers, "stop_rtp_forward": administers, "listforwarders": administers,
	"publish_remotely": administers, "unpublish_remotely": administers, "listremotes": administers, "list_remotes": administers,
	"add_remote_publisher": administers, "update_remote_publisher": administers, "remove_remote_publisher": administers,
}

// permitted fails unless the token of the handle, if it says anything of rooms, gives the right to a request about this one.
func (d *draft) permitted(name string) *failure {
	rights := d.Command.Handle.Rights
	if rights == nil {
		return nil
	}
	if d.name != "" && !d.mayName(strings.TrimPrefix(d.name, rooms)) {
		return fail(errUnauthorized, "Unauthorized (token is not for this room)")
	}
	if rights.Role == "" {
		return nil
	}
	needs, ok := least[name]
	if !ok {
		needs = administers
	}
	if d.jsepType() == "offer" { // whatever request brings it
		needs = max(needs, publishes)
	}
	if ranks[rights.Role] < needs {
		return fail(errUnauthorized, "Unauthorized (token's role may not do this)")
	}
	return nil
}

// mayName tells whether the handle's token is for a room, or for all.
func (d *draft) mayName(room string) bool { return d.Command.Handle.Rights.Name(room) }

// standsForSecret tells whether the token's role does as well as the secret of the room.
func (d *draft) standsForSecret() bool {
	rights := d.Command.Handle.Rights
	return rights != nil && ranks[rights.Role] >= moderates
}
