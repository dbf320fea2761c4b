package roomstate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/textroom"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

func TestRoomsFileNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"sound":       {"rooms:\n  - {room: 7, publishers: 6}\n  - {room: 8, allowed: [a]}\n", ""},
		"empty":       {"", ""},
		"twice":       {"rooms:\n  - {room: 7}\n  - {room: 7}\n", "room 2 of the list: room 7 is there twice"},
		"unknown key": {"rooms:\n  - {room: 7, colour: green}\n", `unknown key "colour"`},
		"no YAML":     {"rooms: [", "did not find"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rooms.yaml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := readRooms(path, videoroom.New(videoroom.Config{}), textroom.New(textroom.Config{}))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, not %q", err, c.want)
			}
		})
	}
	if _, err := readRooms(filepath.Join(t.TempDir(), "none"), videoroom.New(videoroom.Config{}), textroom.New(textroom.Config{})); err == nil {
		t.Error("a file that is not there is no error")
	}
}

func TestWhatIsReadFromJanusIsARoomsFile(t *testing.T) {
	var out bytes.Buffer
	text := `general: { admin_key = "k" } room-1234: { description = "Demo"; publishers = "6"; record = false; pin = "p" } 5: { videocodec = "vp8,h264" }`
	if err := ReadJanusFiles([]JanusFile{{"janus.plugin.videoroom.jcfg", text}}, &out); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rooms.yaml")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	rooms, err := readRooms(path, videoroom.New(videoroom.Config{}), textroom.New(textroom.Config{}))
	if err != nil || len(rooms) != 2 {
		t.Fatalf("%d rooms, %v", len(rooms), err)
	}
	if !strings.Contains(string(rooms[0].body), `"pin":"p"`) || rooms[1].name != "videoroom/5" {
		t.Errorf("%s, %s", rooms[0].body, rooms[1].name)
	}
}
