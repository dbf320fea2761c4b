package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

const (
	// roomsPage is how many bytes of rooms go into one message, unless there is but one, and roomsLooked how many rooms are
	// looked into for it: each takes a question to the store.
	roomsPage   = 400 << 10
	roomsLooked = 2000
)

// listRooms tells of the rooms of all plugins, private ones too, how many are in each and on which nodes. Or of a page of those
// after one.
func (s *Service) listRooms(ctx context.Context, r *request) (members, error) {
	var p struct {
		After string `json:"after"` // plugin and name, as next says it
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	names := s.nodeNames()
	list := []members{}
	size, looked, last := 0, 0, ""
	for _, plug := range slices.Sorted(maps.Keys(s.Plugins)) {
		surveyed, ok := s.Plugins[plug].(plugin.Surveyed)
		if !ok {
			continue
		}
		rooms, err := s.Store.RoomNames(ctx, plug)
		if err != nil {
			return nil, err
		}
		slices.Sort(rooms)
		for _, room := range rooms {
			key := plug + " " + room
			if key <= p.After {
				continue
			}
			if size > roomsPage || looked == roomsLooked {
				return members{"rooms": list, "next": last}, nil
			}
			looked, last = looked+1, key
			survey, there, err := s.survey(ctx, s.Plugins[plug], surveyed, room)
			if err != nil {
				return nil, err
			}
			if !there {
				continue // it has ended meanwhile
			}
			one := summary(plug, &survey, names)
			b, err := json.Marshal(one)
			if err != nil {
				return nil, fmt.Errorf("encode room %s: %w", room, err)
			}
			size += len(b)
			list = append(list, one)
		}
	}
	return members{"rooms": list}, nil
}

func (s *Service) survey(ctx context.Context, plug plugin.Plugin, surveyed plugin.Surveyed, room string) (plugin.Survey, bool, error) {
	fields, _, err := s.Store.LoadRoom(ctx, room)
	if err != nil || len(fields) == 0 {
		return plugin.Survey{}, false, err
	}
	loaded, err := plug.Load(room, fields)
	if err != nil {
		return plugin.Survey{}, false, fmt.Errorf("room %s: %w", room, err)
	}
	survey, there := surveyed.Survey(loaded)
	return survey, there, nil
}

// summary is a room in a list.
func summary(plug string, survey *plugin.Survey, names map[string]string) members {
	roles, nodes := map[string]int{}, map[string]bool{}
	for i := range survey.Present {
		one := &survey.Present[i]
		roles[one.Role]++
		if one.Node != "" {
			nodes[named(names, one.Node)] = true
		}
	}
	return members{
		"room": survey.ID, "plugin": plug, "description": clipped(survey.Description), "participants": roles["publisher"] + roles["member"],
		"subscribers": roles["subscriber"], "nodes": slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(nodes)))),
	}
}

// mostPresent bounds those of a room that are told of, so that they go into one message: with the longest names each has some
// 600 bytes.
const mostPresent = 1000

// roomInfo tells who is in a room: of VideoRoom, unless another plugin is named.
func (s *Service) roomInfo(ctx context.Context, r *request) (members, error) {
	var p struct {
		Room   string `json:"room"` // the id as people write it
		Plugin string `json:"plugin"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	if p.Plugin == "" {
		p.Plugin = "janus.plugin.videoroom"
	}
	if !strings.Contains(p.Plugin, ".") {
		p.Plugin = "janus.plugin." + p.Plugin
	}
	surveyed, ok := s.Plugins[p.Plugin].(plugin.Surveyed)
	if !ok {
		return nil, fault.Newf(fault.BadRequest, "Plugin %s has no rooms", p.Plugin)
	}
	survey, there, err := s.survey(ctx, s.Plugins[p.Plugin], surveyed, surveyed.RoomOf(p.Room))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fault.Newf(fault.BadRequest, "No such room (%s)", p.Room)
	}
	names := s.nodeNames()
	info := summary(p.Plugin, &survey, names)
	present := []members{}
	for i := range survey.Present[:min(len(survey.Present), mostPresent)] {
		present = append(present, describePresent(&survey.Present[i], names))
	}
	info["present"] = present
	if left := len(survey.Present) - len(present); left > 0 {
		info["left_out"] = left
	}
	return info, nil
}

func describePresent(one *plugin.Present, names map[string]string) members {
	info := members{"role": one.Role, "up": one.Up, "streams": one.Streams}
	if one.Handle != (plugin.HandleID{}) {
		info["session_id"], info["handle_id"] = one.Handle.Session, one.Handle.Handle
	}
	if one.ID != nil {
		info["id"] = one.ID
	}
	if one.Display != "" {
		info["display"] = clipped(one.Display)
	}
	if one.Node != "" {
		info["node"] = named(names, one.Node)
	}
	if one.Next != "" {
		info["moves_to"] = named(names, one.Next)
	}
	return info
}

// clipped is a text of which there may be many in one message.
func clipped(text string) string {
	const most = 100 // characters
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// nodeNames are the names of the nodes that live, by id.
func (s *Service) nodeNames() map[string]string {
	names := map[string]string{}
	for _, n := range s.Nodes.List() {
		names[n.ID] = n.Status.GetName()
	}
	return names
}

// named is the name of a node, or its id where it is not known.
func named(names map[string]string, id string) string {
	if name := names[id]; name != "" {
		return name
	}
	return id
}
