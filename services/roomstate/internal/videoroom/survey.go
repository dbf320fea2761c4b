package videoroom

import (
	"cmp"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// RoomOf is of plugin.Surveyed.
func (*Plugin) RoomOf(id string) string { return rooms + id }

// Survey is of plugin.Surveyed.
func (*Plugin) Survey(room plugin.Room) (plugin.Survey, bool) {
	r, ok := room.(*Room)
	if !ok || r.attributes == nil {
		return plugin.Survey{}, false
	}
	s := plugin.Survey{ID: r.id, Description: r.attributes.Description}
	for _, p := range r.byAge() {
		one := plugin.Present{Handle: p.handle, Role: rolePublisher, ID: p.ID, Streams: len(p.Streams)}
		if p.Display != nil {
			one.Display = *p.Display
		}
		if p.handle.Session == 0 { // what no handle has goes by numbers of its own
			one.Handle = plugin.HandleID{}
		}
		at(&one, p.Peer)
		s.Present = append(s.Present, one)
	}
	watchers := make([]*subscriber, 0, len(r.subscribers))
	for _, w := range r.subscribers {
		watchers = append(watchers, w)
	}
	slices.SortFunc(watchers, func(a, b *subscriber) int {
		return cmp.Or(cmp.Compare(a.handle.Session, b.handle.Session), cmp.Compare(a.handle.Handle, b.handle.Handle))
	})
	for _, w := range watchers {
		one := plugin.Present{Handle: w.handle, Role: roleSubscriber}
		for i := range w.Slots {
			if w.Slots[i].active() {
				one.Streams++
			}
		}
		at(&one, w.Peer)
		s.Present = append(s.Present, one)
	}
	return s, true
}

// at says where a peer is; nil for none.
func at(one *plugin.Present, p *plugin.Peer) {
	if p != nil {
		one.Node, one.Next, one.Up = p.Node, p.Next, p.Up
	}
}
