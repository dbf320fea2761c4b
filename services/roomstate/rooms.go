package roomstate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/textroom"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

// staticRoom is a room that is to be there from the start.
type staticRoom struct {
	plugin string
	exists int    // the plugin's error code for a room that is there
	body   []byte // the request that makes it
	name   string
}

// demoRooms are those of Janus's demo pages. Their secrets are kept from everyone, so that no visitor can change or
// destroy them.
func demoRooms(video *videoroom.Plugin, text *textroom.Plugin) []staticRoom {
	videoBody, videoName := video.DemoRoom(rand.Text())
	textBody, textName := text.DemoRoom(rand.Text())
	return []staticRoom{
		{video.Name(), videoroom.ErrRoomExists, videoBody, videoName},
		{text.Name(), textroom.ErrRoomExists, textBody, textName},
	}
}

// roomsFile is the form of the rooms file.
type roomsFile struct {
	Rooms     []map[string]any `yaml:"rooms"`
	TextRooms []map[string]any `yaml:"textrooms"`
}

// readRooms reads a rooms file; "" is none. An unknown or unsound key is an error that names it.
func readRooms(path string, video *videoroom.Plugin, text *textroom.Plugin) ([]staticRoom, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("rooms file: %w", err)
	}
	if err := knownKeys(b); err != nil {
		return nil, fmt.Errorf("rooms file %s: %w", path, err)
	}
	var file roomsFile
	if err := yaml.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("rooms file %s: %w", path, err)
	}
	rooms, err := staticRooms(file.Rooms, video, videoroom.ErrRoomExists)
	if err != nil {
		return nil, fmt.Errorf("rooms file %s: rooms: %w", path, err)
	}
	texts, err := staticRooms(file.TextRooms, text, textroom.ErrRoomExists)
	if err != nil {
		return nil, fmt.Errorf("rooms file %s: textrooms: %w", path, err)
	}
	return append(rooms, texts...), nil
}

// knownKeys refuses a file that has another key than roomsFile has: what is under it would be left out in silence.
func knownKeys(file []byte) error {
	var keys map[string]yaml.Node
	if err := yaml.Unmarshal(file, &keys); err != nil {
		return err
	}
	known := []string{"rooms", "textrooms"}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if slices.Contains(known, key) {
			continue
		}
		if near := settings.Nearest(key, known); near != "" {
			return fmt.Errorf("unknown key %q; did you mean %q?", key, near)
		}
		return fmt.Errorf("unknown key %q; there are %s", key, strings.Join(known, " and "))
	}
	return nil
}

// maker is a plugin whose rooms may be in a file.
type maker interface {
	Name() string
	StaticRoom(settings map[string]any) (body []byte, room string, err error)
}

// staticRooms are the rooms of a list; exists is the plugin's code for one that is there.
func staticRooms(list []map[string]any, of maker, exists int) ([]staticRoom, error) {
	var rooms []staticRoom
	seen := map[string]bool{}
	for i, settings := range list {
		body, name, err := of.StaticRoom(settings)
		if err == nil && seen[name] {
			err = fmt.Errorf("room %v is there twice", settings["room"])
		}
		if err != nil {
			return nil, fmt.Errorf("room %d of the list (%v): %w", i+1, settings["room"], err)
		}
		seen[name] = true
		rooms = append(rooms, staticRoom{of.Name(), exists, body, name})
	}
	return rooms, nil
}

// makeRooms makes the rooms that are not there. One that is there stays as it is. It waits for replicas to
// own them. done is called when they are there, or can not be made.
func makeRooms(ctx context.Context, requests *bus.Requester, rooms []staticRoom, done func(), log *slog.Logger) {
	defer done()
	for _, room := range rooms {
		reply, err := requests.Do(ctx, bus.RoomCommands(bus.Shard(room.name)), &busv1.Command{
			Id:   bus.NewCommandID(),
			Verb: &busv1.Command_Message{Message: &busv1.Message{Body: room.body}},
			// There is no session to it: as when one is over.
			Routed: &busv1.Routed{Plugin: room.plugin, Room: room.name, Over: true},
		}, nil)
		if err == nil {
			err = refusal(reply, room.exists)
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("room not made", "plugin", room.plugin, "room", room.name, "err", err)
		}
	}
}

// refusal is what a plugin has against a request; that a room is there already is nothing.
func refusal(reply *busv1.Reply, exists int) error {
	var answer struct {
		Code  int    `json:"error_code"`
		Error string `json:"error"`
	}
	data := reply.GetPlugin().GetData()
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer.Code != 0 && answer.Code != exists {
		return fmt.Errorf("%d %s", answer.Code, answer.Error)
	}
	return nil
}
