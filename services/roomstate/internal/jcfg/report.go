package jcfg

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Result is what came of files.
type Result struct {
	Lines []string                    // one for each key: what it became, or why nothing
	Rooms map[string][]map[string]any // as the rooms file has them
	Taken int                         // keys
	Gone  int

	// Include returns the text of a file that one includes by a name; nil: none can be read.
	Include func(name string) (string, error)
	// Check tells what the rooms file would have against a room of one of its lists, and returns what the room is called;
	// nil: nothing.
	Check func(list string, settings map[string]any) (name string, err error)

	names map[string]bool // of rooms: their list's name, and what Check returned
}

// Read adds a file of Files.
func (r *Result) Read(file, text string) error {
	if foreign(file) {
		r.gone(file, 1, "all of it", "Cardea has nothing that this file is about")
		return nil
	}
	groups, err := ParseWith(text, func(name string, line int) (string, bool) {
		if r.Include == nil {
			r.gone(file, line, "@include", fmt.Sprintf("%q cannot be read here", name))
			return "", false
		}
		text, err := r.Include(name)
		if err != nil {
			r.gone(file, line, "@include", err.Error())
		}
		return text, err == nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	kind := fileOf(file, groups)
	stringIDs := false
	for _, g := range groups {
		settings, ok := g.Value.(Group)
		switch {
		case !ok:
			r.gone(file, g.Line, g.Name, "expected a group")
		case kind.Rooms == "" || g.Name == "general":
			stringIDs = stringIDs || flag(settings, "string_ids")
			r.keys(file, g.Name, settings, kind.Keys)
		}
	}
	for _, g := range groups {
		if settings, ok := g.Value.(Group); ok && kind.Rooms != "" && g.Name != "general" {
			r.room(file, kind, g, settings, stringIDs)
		}
	}
	return nil
}

// isVideoRoom tells the files apart: janus.jcfg has groups that no room is named after.
func isVideoRoom(groups Group) bool {
	for _, g := range groups {
		switch g.Name {
		case "nat", "media", "plugins", "transports", "certificates", "loggers", "events":
			return false
		}
		if settings, ok := g.Value.(Group); ok && g.Name == "general" {
			for _, s := range settings {
				if _, known := find(VideoRoomKeys, "general."+s.Name); !known {
					return false
				}
			}
		}
	}
	return true
}

func flag(settings Group, name string) bool {
	for _, s := range settings {
		if s.Name == name {
			on, _ := truth(s.Value)
			return on
		}
	}
	return false
}

func (r *Result) keys(file, group string, settings Group, keys []Key) {
	for _, s := range settings {
		name := group + "." + s.Name
		k, _ := find(keys, name)
		if k.Service == "" {
			r.gone(file, s.Line, name, k.Why)
			continue
		}
		if isAny(k, s.Value) {
			r.taken(file, s.Line, name, "nothing has to be set: all pages may connect without "+k.as())
			continue
		}
		value, ok := k.value(s.Value)
		if !ok {
			r.gone(file, s.Line, name, "its value is of another type than expected")
			continue
		}
		if k.Setting == "advertise" {
			if value, ok = r.addresses(file, name, s, value); !ok {
				continue
			}
		}
		r.taken(file, s.Line, name, strings.Join(slices.DeleteFunc([]string{k.with(value), k.Why, k.about(s.Value, value)}, empty), "; "))
	}
}

func empty(text string) bool { return text == "" }

func (r *Result) taken(file string, line int, name, as string) {
	r.Taken++
	r.Lines = append(r.Lines, fmt.Sprintf("%s:%d: %s: taken: %s", file, line, name, as))
}

func (r *Result) gone(file string, line int, name, why string) {
	r.Gone++
	r.Lines = append(r.Lines, fmt.Sprintf("%s:%d: %s: not supported: %s", file, line, name, why))
}

// room adds a section of a room. Its name is the id, with or without room- before it.
func (r *Result) room(file string, of *File, g Setting, settings Group, stringIDs bool) {
	id := strings.TrimPrefix(g.Name, "room-")
	room := map[string]any{"room": id, "description": g.Name}
	if !stringIDs {
		n, err := strconv.ParseUint(id, 10, 63)
		if err != nil || n == 0 {
			r.gone(file, g.Line, g.Name, "its name is no number, and string_ids is not set: Janus passes it over too")
			return
		}
		room["room"] = n
	}
	for _, s := range settings {
		name := g.Name + "." + s.Name
		kind, known := of.RoomKeys[s.Name]
		value, ok := roomValue(kind, s)
		if known && ok && isCodecs[s.Name] != nil {
			value, ok = r.codecs(file, name, s, fmt.Sprint(value))
			if !ok {
				continue
			}
		}
		if s.Name == "description" && value == "" {
			r.taken(file, s.Line, name, "it is empty: the name of the section counts, as at Janus")
			continue
		}
		switch unsound := r.unsound(of.Rooms, room["room"], s.Name, value, known && ok); {
		case of.RoomGone[s.Name] != "":
			r.gone(file, s.Line, name, of.RoomGone[s.Name])
		case !known:
			r.gone(file, s.Line, name, "unknown")
		case !ok:
			r.gone(file, s.Line, name, "its value is of another type than expected")
		case unsound != nil:
			r.gone(file, s.Line, name, fmt.Sprintf("its value cannot be taken: %v", unsound))
		case s.Name == "rec_dir" && filepath.IsAbs(fmt.Sprint(value)):
			room[s.Name] = value
			r.taken(file, s.Line, name, "rooms file, rec_dir; it has to be in the media nodes' --record-dir, or nothing is recorded")
		default:
			room[s.Name] = value
			about, needed := "", needed(s.Name, value)
			switch {
			case kind == 'b':
				about = takenForFalse(s.Value)
			case kind == 'n' && fmt.Sprint(value) != fmt.Sprint(s.Value):
				about = fmt.Sprintf("Janus takes %v instead", value)
			}
			r.taken(file, s.Line, name, strings.Join(slices.DeleteFunc([]string{"rooms file, " + s.Name, needed, about}, empty), "; "))
		}
	}
	if !r.fits(file, of.Rooms, g, room) {
		return
	}
	if r.Rooms == nil {
		r.Rooms = map[string][]map[string]any{}
	}
	r.Rooms[of.Rooms] = append(r.Rooms[of.Rooms], room)
}

// roomValue reads a value as Janus does, which reads text as well: it writes permanent rooms with every value in quotes.
func roomValue(kind byte, s Setting) (any, bool) {
	switch kind {
	case 'b':
		return truth(s.Value)
	case 'n':
		n, ok := whole(s.Value)
		if d, known := insteadOf[s.Name]; known && n < d.least {
			n = d.value
		}
		return n, ok && n >= 0
	}
	return plain(s.Value)
}

// insteadOf is what Janus takes for a number of a room that is below the least.
var insteadOf = map[string]struct{ least, value int64 }{
	"publishers": {0, 3}, "audio_active_packets": {1, 100}, "audio_level_average": {1, 25},
}

// Print writes the report as comments, and after it the rooms as a file for --rooms-file. What a room needs to be set is said beside it
// once more.
func (r *Result) Print(w io.Writer) error {
	var b strings.Builder
	for _, line := range r.Lines {
		fmt.Fprintf(&b, "# %s\n", strings.ReplaceAll(line, "\n", " "))
	}
	n := 0
	for _, list := range r.Rooms {
		n += len(list)
	}
	fmt.Fprintf(&b, "# %d keys taken, %d not; %d rooms\n", r.Taken, r.Gone, n)
	rooms, err := r.yaml()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, b.String()+string(rooms))
	return err
}

func (r *Result) yaml() ([]byte, error) {
	var all yaml.Node
	if err := all.Encode(r.Rooms); err != nil {
		return nil, err
	}
	for i := 1; i < len(all.Content); i += 2 { // names and their lists in turn
		for _, room := range all.Content[i].Content {
			for k := 0; k < len(room.Content); k += 2 {
				key, value := room.Content[k], room.Content[k+1]
				key.HeadComment = needed(key.Value, value.Value)
			}
		}
	}
	return yaml.Marshal(&all)
}
