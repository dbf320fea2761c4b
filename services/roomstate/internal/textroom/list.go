package textroom

import (
	"encoding/json"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// listing is a room's entry in the list of rooms.
type listing struct {
	Room         request.ID `json:"room"`
	Description  string     `json:"description"`
	Pin          bool       `json:"pin_required"`
	Participants int        `json:"num_participants"`
	History      int        `json:"history"`
	Private      bool       `json:"is_private,omitempty"` // not shown
}

func (d *draft) listed() listing {
	return listing{
		d.id, d.attributes.Description, d.attributes.Pin != nil, len(d.members), d.attributes.History, d.attributes.Private,
	}
}

// maxList is how many bytes the rooms of an answer may have: it has to fit into a message of the bus.
const maxList = 900 << 10

// list tells of all rooms that are public, or of all to who has the key.
func (d *draft) list() (members, *failure) {
	all := false
	// A key that is empty, no string, or not asked for counts for nothing.
	if given, _ := d.body.Text("admin_key"); given != "" && d.cfg.AdminKey != nil {
		key := d.cfg.AdminKey.Text()
		if f := d.fits("admin_key", &key); f != nil {
			return nil, f
		}
		all = true
	}
	got, ok := d.Ask(plugin.Question{Rooms: true})
	if !ok {
		return nil, nil
	}
	if got.Err != nil {
		d.Failure = got.Err
		return nil, nil
	}
	shown := []listing{}
	for _, entry := range got.Rooms {
		var l listing
		if json.Unmarshal(entry, &l) == nil && (all || !l.Private) { // our own entries
			l.Private = false
			shown = append(shown, l)
		}
	}
	answer := members{"textroom": "success"}
	slices.SortFunc(shown, func(a, b listing) int { return request.CompareIDs(a.Room, b.Room) })
	size := 0
	for i, l := range shown {
		if size += len(render(l)) + 1; size > maxList {
			answer["left_out"], shown = len(shown)-i, shown[:i]
			break
		}
	}
	answer["list"] = shown
	return answer, nil
}
