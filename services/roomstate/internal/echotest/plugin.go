package echotest

import (
	"encoding/json"
	"fmt"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/moving"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Name is what endpoints attach to.
const Name = "janus.plugin.echotest"

const (
	rooms = "echotest/"
	field = "state"
	role  = "echo"
)

// Plugin is the EchoTest.
type Plugin struct{}

// New returns the plugin.
func New() *Plugin { return &Plugin{} }

// Name is the package name that endpoints attach to.
func (*Plugin) Name() string { return Name }

// Route sends all messages of a handle to its own room.
func (*Plugin) Route(cmd plugin.Command) plugin.Route {
	return plugin.Route{Room: rooms + cmd.Handle.ID.String(), Async: true}
}

// Administer answers administrators, who cannot change anything here: with what they say, as Janus's does.
func (*Plugin) Administer(request []byte) []byte { return request }

// Load makes a room of its one field.
func (*Plugin) Load(name string, fields map[string]string) (plugin.Room, error) {
	r := &Room{name: name, Settings: defaults()}
	if stored, ok := fields[field]; ok {
		if err := json.Unmarshal([]byte(stored), r); err != nil {
			return nil, fmt.Errorf("state of %s: %w", name, err)
		}
		r.exists = true
	}
	return r, nil
}

// Room is what is known of one handle.
type Room struct {
	name   string
	exists bool

	Settings   settings     `json:"settings"`
	Peer       *plugin.Peer `json:"peer,omitempty"`
	Generation uint32       `json:"generation,omitempty"`
	E2EE       bool         `json:"e2ee,omitempty"`
	Codecs     codecs       `json:"codecs"`
	Relayed    layers       `json:"relayed"`
	Takes      uint32       `json:"takes,omitempty"`   // recordings begun so far
	Written    *recording   `json:"written,omitempty"` // never changed in place
	Section    section      `json:"section"`
	SlowLinks  uint32       `json:"slow_links,omitempty"` // told of since there is the peer
}

// section is the m= section that carries the transport of all: the first that is in use.
type section struct {
	MID   string `json:"mid,omitempty"`
	Index uint32 `json:"index,omitempty"`
}

// codecs are what was agreed on of the first stream of each kind, empty for none.
type codecs struct {
	Audio     string `json:"audio,omitempty"`
	Video     string `json:"video,omitempty"`
	Simulcast bool   `json:"simulcast,omitempty"` // of the video, as is SVC
	SVC       bool   `json:"svc,omitempty"`
}

// layers are what is relayed; nil is not known.
type layers struct {
	Codec         string `json:"codec,omitempty"`
	Substream     *int32 `json:"substream,omitempty"` // like the others never changed in place
	Temporal      *int32 `json:"temporal,omitempty"`
	SpatialLayer  *int32 `json:"spatial_layer,omitempty"`
	TemporalLayer *int32 `json:"temporal_layer,omitempty"`
}

// turn is a room in the making.
type turn struct {
	*plugin.Turn
	Room
	changed, dropped bool
}

// Apply runs the rule of the turn's command.
func (r *Room) Apply(t *plugin.Turn) plugin.Result {
	n := &turn{Turn: t, Room: *r}
	if r.Peer != nil {
		peer := *r.Peer
		n.Peer = &peer
	}
	switch t.Command.GetVerb().(type) {
	case *busv1.Command_Message:
		n.message()
	case *busv1.Command_Hangup:
		n.hangup()
	case *busv1.Command_Trickle:
		n.RefuseTrickle(n.Peer != nil)
	case *busv1.Command_Detach:
		n.detach()
	case *busv1.Command_Peer:
		n.peer(t.Command.GetPeer())
	case *busv1.Command_Move:
		moving.Move(t, host{n})
	}
	return n.result(r)
}

func (n *turn) result(before *Room) plugin.Result {
	next := n.Room
	switch {
	case n.dropped && before.exists:
		next = Room{name: before.name, Settings: defaults()}
		return plugin.Result{Next: &next, Drop: true}
	case !n.changed || n.dropped:
		return plugin.Result{}
	}
	next.exists = true
	b, err := json.Marshal(&next)
	if err != nil {
		panic(fmt.Sprintf("%T has no JSON form: %v", next, err))
	}
	return plugin.Result{Next: &next, Set: map[string][]byte{field: b}}
}

func (n *turn) me() plugin.HandleID { return n.Command.Handle.ID }

func (n *turn) core(e *busv1.Event) {
	e.OpaqueId = n.Command.Handle.OpaqueID
	n.Emit(n.me(), e)
}

func event(v any, jsep *busv1.Jsep) *busv1.Event {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("%T has no JSON form: %v", v, err))
	}
	return &busv1.Event{Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: Name, Data: b, Jsep: jsep}}}
}
