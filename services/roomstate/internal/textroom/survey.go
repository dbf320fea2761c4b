package textroom

import (
	"cmp"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// RoomOf is of plugin.Surveyed.
func (*Plugin) RoomOf(id string) string { return rooms + id }

// Survey is of plugin.Surveyed. Members are there as long as their data channel is.
func (*Plugin) Survey(room plugin.Room) (plugin.Survey, bool) {
	r, ok := room.(*Room)
	if !ok || r.attributes == nil {
		return plugin.Survey{}, false
	}
	s := plugin.Survey{ID: r.id, Description: r.attributes.Description}
	handles := make([]plugin.HandleID, 0, len(r.members))
	for h := range r.members {
		handles = append(handles, h)
	}
	slices.SortFunc(handles, func(a, b plugin.HandleID) int { return cmp.Compare(r.members[a].Joined, r.members[b].Joined) })
	for _, h := range handles {
		m := r.members[h]
		s.Present = append(s.Present, plugin.Present{Handle: h, Role: "member", ID: m.Username, Display: m.Display, Node: m.Node, Up: true})
	}
	return s, true
}
