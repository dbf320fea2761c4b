package jwt

import (
	"encoding/json"
	"slices"
	"strconv"
)

// The roles that a token can give.
const (
	RoleSubscriber = "subscriber"
	RolePublisher  = "publisher"
	RoleModerator  = "moderator"
	RoleAdmin      = "admin"
)

// videoRoom is the plugin that knows of rooms and roles.
const videoRoom = "janus.plugin.videoroom"

// Claims are what a token is for.
type Claims struct {
	Subject   string
	AnyPlugin bool
	Plugins   []string // that it may attach to, unless any
	AnyRoom   bool
	Rooms     []string // that it may name, unless any
	Role      string   // empty for none
}

// ownClaims are Cardea's own, as they are written.
type ownClaims struct {
	Plugins json.RawMessage `json:"plugins"`
	Room    json.RawMessage `json:"room"`
	Role    json.RawMessage `json:"role"`
}

// most bounds the plugins and the rooms that a token names.
const most = 256

// read is strict: who writes a claim that is not understood meant something by it.
func (o *ownClaims) read(subject string) (Claims, error) {
	c := Claims{Subject: subject, AnyPlugin: o.Plugins == nil, AnyRoom: o.Room == nil}
	if o.Role != nil {
		if json.Unmarshal(o.Role, &c.Role) != nil || !slices.Contains([]string{RoleSubscriber, RolePublisher, RoleModerator, RoleAdmin}, c.Role) {
			return Claims{}, refused("role is none that there is")
		}
	}
	if !c.AnyRoom {
		var ok bool
		if c.Rooms, ok = readRooms(o.Room); !ok {
			return Claims{}, refused("room is neither an id nor a list of ids")
		}
	}
	if !c.AnyPlugin {
		if json.Unmarshal(o.Plugins, &c.Plugins) != nil || c.Plugins == nil || len(c.Plugins) > most {
			return Claims{}, refused("plugins is no list of names")
		}
	} else if !c.AnyRoom || c.Role != "" { // other plugins know of neither, and would let everything happen
		c.AnyPlugin, c.Plugins = false, []string{videoRoom}
	}
	return c, nil
}

// readRooms reads an id, a number or a string, or a list of them.
func readRooms(raw json.RawMessage) (rooms []string, ok bool) {
	list := []json.RawMessage{raw}
	if raw[0] == '[' && json.Unmarshal(raw, &list) != nil || len(list) > most {
		return nil, false
	}
	for _, one := range list {
		var name string
		if n, err := strconv.ParseUint(string(one), 10, 64); err == nil {
			name = strconv.FormatUint(n, 10)
		} else if one[0] != '"' || json.Unmarshal(one, &name) != nil {
			return nil, false
		}
		rooms = append(rooms, name)
	}
	return rooms, true
}
