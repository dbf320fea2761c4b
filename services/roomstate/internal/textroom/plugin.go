package textroom

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/post"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// Name is what endpoints attach to.
const Name = "janus.plugin.textroom"

// What the names of rooms begin with: of text rooms, and of those that hold a handle's PeerConnection.
const (
	rooms   = "textroom/"
	handles = "textroom-handle/"
)

// Config is what there is to set for the whole plugin.
type Config struct {
	AdminKey        plugin.Secret // asked of create, and to list private rooms; nil for none
	StringIDs       bool          // rooms are named by strings rather than integers
	MaxRooms        int           // 0 for no limit
	SessionRooms    int           // that a session may have made and are still there; 0 for no limit
	MaxParticipants int           // in a room; 0 for no limit
	MaxHistory      int           // messages that a room keeps at most, whatever it is created with
	PostAllow       *post.Allow   // where messages may be posted to; nil for nowhere
}

// Plugin is the TextRoom.
type Plugin struct{ cfg Config }

// New returns the plugin.
func New(cfg Config) *Plugin { return &Plugin{cfg: cfg} }

// Name is the package name that endpoints attach to.
func (*Plugin) Name() string { return Name }

// Route sends what is about the PeerConnection to the handle's own room, and what names a text room there.
func (p *Plugin) Route(cmd plugin.Command) plugin.Route {
	body, _ := request.Read(cmd.GetMessage().GetBody())
	name, _ := body.Text("request")
	name = strings.ToLower(name)
	if _, ok := asyncRequests[name]; ok {
		return plugin.Route{Room: handles + cmd.Handle.ID.String(), Async: true}
	}
	if !requests[name].api {
		return plugin.Route{}
	}
	return plugin.Route{Room: p.target(cmd, name, body)}
}

// RouteText is of plugin.Texting.
func (p *Plugin) RouteText(cmd plugin.Command) string {
	body, _ := request.Read(cmd.GetPeer().GetText().GetText())
	name, _ := body.Text("textroom")
	name = strings.ToLower(name)
	if _, ok := requests[name]; !ok {
		return ""
	}
	return p.target(cmd, name, body)
}

// target is the text room that a request is about, empty for none.
func (p *Plugin) target(cmd plugin.Command, name string, body request.Object) string {
	id, ok := body.ID("room", p.cfg.StringIDs)
	switch {
	case name == "list":
		return ""
	case name == "create" && (!body.Has("room") || ok && id == "0"):
		return roomName(request.DrawnID(p.cfg.StringIDs, cmd.GetId(), "textroom", 0))
	case !ok:
		return ""
	}
	return roomName(id)
}

func roomName(id request.ID) string { return rooms + id.String() }

// Load makes a room of its fields.
func (p *Plugin) Load(name string, fields map[string]string) (plugin.Room, error) {
	if strings.HasPrefix(name, handles) {
		return loadHandle(name, fields)
	}
	r := &Room{cfg: &p.cfg, name: name, members: map[plugin.HandleID]member{}}
	if id, ok := strings.CutPrefix(name, rooms); ok && p.cfg.StringIDs {
		r.id = request.StringID(id)
	} else if ok {
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("name of a text room: %w", err)
		}
		r.id = request.NumberID(n)
	}
	return r, r.load(fields)
}
