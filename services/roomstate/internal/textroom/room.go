package textroom

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// The stored fields of a room: its attributes, and one for each member, and for each message of its history.
const (
	fieldRoom   = "room"
	fieldMember = "member:"
	fieldLine   = "line:"
)

// Room is a text room, or none where attributes is nil.
type Room struct {
	cfg        *Config
	name       string // empty for what concerns no room
	id         request.ID
	attributes *attributes                // never changed in place
	members    map[plugin.HandleID]member // likewise
	lines      []line                     // oldest first; likewise
}

// attributes are what create and edit set.
type attributes struct {
	Description  string   `json:"description"`
	Private      bool     `json:"private,omitempty"`
	Secret       *string  `json:"secret,omitempty"`
	Pin          *string  `json:"pin,omitempty"`
	History      int      `json:"history,omitempty"` // messages kept at most
	Post         string   `json:"post,omitempty"`
	CheckAllowed bool     `json:"check_allowed,omitempty"`
	Allowed      []string `json:"allowed,omitempty"`
}

// member is a handle in the room.
type member struct {
	Username   string `json:"username"`
	Display    string `json:"display,omitempty"`
	Node       string `json:"node"` // its name
	Generation uint32 `json:"generation"`
	Joined     uint64 `json:"joined"`          // number in the order of joins
	Moved      int64  `json:"moved,omitempty"` // when its peer has last moved, in ms since 1970; 0 for never
}

// line is a message of the history, as it is sent to who joins.
type line struct {
	number uint64
	text   []byte
}

func (r *Room) load(fields map[string]string) error {
	for key, value := range fields {
		switch {
		case key == fieldRoom:
			r.attributes = new(attributes)
			if err := json.Unmarshal([]byte(value), r.attributes); err != nil {
				return fmt.Errorf("attributes: %w", err)
			}
		case strings.HasPrefix(key, fieldMember):
			id, err := plugin.ParseHandleID(key[len(fieldMember):])
			if err != nil {
				return err
			}
			var m member
			if err := json.Unmarshal([]byte(value), &m); err != nil {
				return fmt.Errorf("member %s: %w", id, err)
			}
			r.members[id] = m
		case strings.HasPrefix(key, fieldLine):
			number, err := strconv.ParseUint(key[len(fieldLine):], 10, 64)
			if err != nil {
				return fmt.Errorf("number of a message: %w", err)
			}
			r.lines = append(r.lines, line{number, []byte(value)})
		}
	}
	slices.SortFunc(r.lines, func(a, b line) int { return compare(a.number, b.number) })
	return nil
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Apply runs the rule of the turn's command.
func (r *Room) Apply(t *plugin.Turn) plugin.Result {
	d := &draft{Turn: t, Room: *r, set: map[string][]byte{}}
	switch t.Command.GetVerb().(type) {
	case *busv1.Command_Message:
		d.message()
	case *busv1.Command_Peer:
		if text := t.Command.GetPeer().GetText(); text != nil {
			d.text(text.GetText())
		}
		if t.Command.GetPeer().GetMoved() != nil {
			d.follow(t.Command.GetPeer())
		}
	case *busv1.Command_Detach:
		d.detach()
	}
	return d.result()
}

// draft is a room in the making.
type draft struct {
	*plugin.Turn
	Room
	body    request.Object
	set     map[string][]byte // stored fields that change
	deleted []string
	dropped bool
	own     bool // members is the draft's own
	counted bool // what lists show has changed
}

func (d *draft) result() plugin.Result {
	switch {
	case d.dropped:
		return plugin.Result{Next: &Room{cfg: d.cfg, name: d.name, id: d.id}, Drop: true}
	case len(d.set)+len(d.deleted) == 0:
		return plugin.Result{}
	}
	next := d.Room
	result := plugin.Result{Next: &next, Set: d.set, Delete: d.deleted}
	if d.counted {
		result.Index = render(d.listed())
	}
	return result
}

// put adds a member, or changes it.
func (d *draft) put(id plugin.HandleID, m member) {
	d.ownMembers()
	d.members[id] = m
	d.deleted = slices.DeleteFunc(d.deleted, func(field string) bool { return field == fieldMember+id.String() })
	d.set[fieldMember+id.String()] = render(m)
	d.counted = true
}

// remove takes a member out.
func (d *draft) remove(id plugin.HandleID) {
	d.ownMembers()
	delete(d.members, id)
	delete(d.set, fieldMember+id.String())
	d.deleted = append(d.deleted, fieldMember+id.String())
	d.Parted = append(d.Parted, id)
	d.counted = true
}

func (d *draft) ownMembers() {
	if !d.own {
		d.members, d.own = maps.Clone(d.members), true
	}
}

func (d *draft) setAttributes(a *attributes) {
	d.attributes = a
	d.set[fieldRoom] = render(a)
	d.counted = true
}

// byAge are the members in the order in which they joined.
func (r *Room) byAge() []plugin.HandleID {
	ids := slices.Collect(maps.Keys(r.members))
	slices.SortFunc(ids, func(a, b plugin.HandleID) int { return compare(r.members[a].Joined, r.members[b].Joined) })
	return ids
}

// named finds a member by its name.
func (r *Room) named(username string) (plugin.HandleID, bool) {
	for id := range r.members {
		if r.members[id].Username == username {
			return id, true
		}
	}
	return plugin.HandleID{}, false
}

func (r *Room) peer(id plugin.HandleID) plugin.PeerKey {
	m := r.members[id]
	return plugin.PeerKey{Node: m.Node, Handle: id, Generation: m.Generation}
}

// tellAll sends a text to all members.
func (d *draft) tellAll(v any) {
	if len(d.members) == 0 {
		return
	}
	to := make([]plugin.PeerKey, 0, len(d.members))
	for _, id := range d.byAge() {
		to = append(to, d.peer(id))
	}
	d.Texts = append(d.Texts, plugin.Text{To: to, Text: render(v)})
}

// date is the time as messages have it.
func (d *draft) date() string { return d.Now.Format("2006-01-02T15:04:05-0700") }

// me is the handle that the command is about.
func (d *draft) me() plugin.HandleID { return d.Command.Handle.ID }
