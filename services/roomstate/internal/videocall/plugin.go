package videocall

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Name is what endpoints attach to.
const Name = "janus.plugin.videocall"

const (
	roomName  = "videocall"
	role      = "user"
	fieldUser = "user:" // followed by the handle
)

// Plugin is the VideoCall.
type Plugin struct{}

// New returns the plugin.
func New() *Plugin { return &Plugin{} }

// Name is the package name that endpoints attach to.
func (*Plugin) Name() string { return Name }

// Route sends all messages to the one room.
func (*Plugin) Route(plugin.Command) plugin.Route { return plugin.Route{Room: roomName, Async: true} }

// Load makes the room of its fields, one for each user.
func (*Plugin) Load(_ string, fields map[string]string) (plugin.Room, error) {
	r := &Room{users: map[plugin.HandleID]*user{}, names: map[string]plugin.HandleID{}}
	for key, value := range fields {
		handle, ok := strings.CutPrefix(key, fieldUser)
		if !ok {
			continue
		}
		id, err := plugin.ParseHandleID(handle)
		if err != nil {
			return nil, err
		}
		u := new(user)
		if err := json.Unmarshal([]byte(value), u); err != nil {
			return nil, fmt.Errorf("user %s: %w", id, err)
		}
		r.users[id] = u
		if u.Name != nil {
			r.names[*u.Name] = id
		}
	}
	return r, nil
}
