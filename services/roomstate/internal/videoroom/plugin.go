package videoroom

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// Name is what endpoints attach to.
const Name = "janus.plugin.videoroom"

// rooms begins the names of this plugin's rooms.
const rooms = "videoroom/"

// Config is what there is to set for the whole plugin.
type Config struct {
	AdminKey        plugin.Secret // asked of create, and to list private rooms; nil for none
	LockForwards    bool          // it is asked of rtp_forward as well
	TokenSecret     plugin.Secret // that signed tokens are signed with; nil for none, and then no room asks for them
	StringIDs       bool          // rooms and feeds are named by strings rather than integers
	Forgets         bool          // what is stored is lost when the server ends, so that no room is permanent
	MaxRooms        int           // 0 for no limit
	SessionRooms    int           // that a session may have made and are still there; 0 for no limit
	MaxParticipants int           // in a room, publishers and subscriptions each; 0 for no limit
}

// Plugin is the VideoRoom.
type Plugin struct{ cfg Config }

// New returns the plugin.
func New(cfg Config) *Plugin { return &Plugin{cfg: cfg} }

// Name is the package name that endpoints attach to.
func (*Plugin) Name() string { return Name }

// Route sends what concerns a room to it: an asynchronous request to the one that the handle is in.
func (p *Plugin) Route(cmd plugin.Command) plugin.Route {
	body, _ := request.Read(cmd.GetMessage().GetBody())
	name, _ := body.Text("request")
	name = strings.ToLower(name)
	async := isAsync(name)
	answers := cmd.GetMessage().GetJsep().GetType() == "answer" // its offer is known where the handle is
	switch {
	case cmd.Handle.Room != "" && (async || answers && !isSync(name)):
		return plugin.Route{Room: cmd.Handle.Room, Async: async}
	case body == nil:
		return plugin.Route{}
	}
	id, ok := body.ID("room", p.cfg.StringIDs)
	switch {
	case name == "list":
		return plugin.Route{}
	case name == "create" && (id == "0" || !body.Has("room")):
		return plugin.Route{Room: roomName(drawnID(p.cfg.StringIDs, cmd.GetId(), "room", 0))}
	case !ok, name != "create" && !isAsync(name) && !isSync(name):
		return plugin.Route{Async: async}
	}
	return plugin.Route{Room: roomName(id), Async: async}
}

func roomName(id ID) string { return rooms + id.String() }

// Load makes a room of its fields.
func (p *Plugin) Load(name string, fields map[string]string) (plugin.Room, error) {
	r := &Room{
		cfg: &p.cfg, name: name,
		publishers: map[plugin.HandleID]*publisher{}, subscribers: map[plugin.HandleID]*subscriber{},
	}
	if id := strings.TrimPrefix(name, rooms); p.cfg.StringIDs {
		r.id = stringID(id)
	} else {
		r.id = ID(id)
	}
	for key, value := range fields {
		if err := r.load(key, value); err != nil {
			return nil, fmt.Errorf("field %s: %w", key, err)
		}
	}
	return r, nil
}

func (r *Room) load(key, value string) error {
	if key == fieldRoom {
		r.attributes = new(attributes)
		return json.Unmarshal([]byte(value), r.attributes)
	}
	what, of, _ := strings.Cut(key, ":")
	id, err := plugin.ParseHandleID(of)
	if err != nil {
		return err
	}
	switch what {
	case fieldPublisher:
		p := &publisher{handle: id}
		r.publishers[id] = p
		return json.Unmarshal([]byte(value), p)
	case fieldSubscriber:
		s := &subscriber{handle: id}
		r.subscribers[id] = s
		return json.Unmarshal([]byte(value), s)
	}
	return nil // of a newer version
}
