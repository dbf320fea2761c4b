package roomstate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/jcfg"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/post"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/textroom"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

func TestRoomsFileNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"sound":       {"rooms:\n  - {room: 7, publishers: 6}\n  - {room: 8, allowed: [a]}\n", ""},
		"empty":       {"", ""},
		"twice":       {"rooms:\n  - {room: 7}\n  - {room: 7}\n", "room 2 of the list (7): room 7 is there twice"},
		"unknown key": {"rooms:\n  - {room: 7, colour: green}\n", `room 1 of the list (7): unknown key "colour"`},
		"both lists":  {"rooms: [{room: 7}]\ntextrooms: [{room: 7}]\n", ""},
		"near rooms":  {"room:\n  - {room: 7}\n", `unknown key "room"; did you mean "rooms"?`},
		"near texts":  {"rooms: [{room: 7}]\ntext-rooms: [{room: 8}]\n", `unknown key "text-rooms"; did you mean "textrooms"?`},
		"of others":   {"max-rooms: 7\nlisten: :1\n", `unknown key "listen"; there are rooms and textrooms`},
		"a list":      {"- {room: 7}\n", "cannot unmarshal"},
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

// loads reads files of Janus's, and what came of them as a rooms file. It returns the report, and the rooms.
func loads(t *testing.T, stringIDs bool, files ...JanusFile) (string, []staticRoom) {
	t.Helper()
	var out bytes.Buffer
	if err := ReadJanusFiles(files, &out); err != nil {
		return err.Error(), nil
	}
	path := filepath.Join(t.TempDir(), "rooms.yaml")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	anywhere, err := post.ParseAllow([]string{"0.0.0.0/0"})
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := readRooms(path, videoroom.New(videoroom.Config{StringIDs: stringIDs, TokenSecret: plugin.Fixed("x")}),
		textroom.New(textroom.Config{StringIDs: stringIDs, PostAllow: anywhere}))
	if err != nil {
		t.Errorf("what has been written is refused: %v\n%s", err, out.String())
	}
	return out.String(), rooms
}

func TestWhatJanusPassesOverIsLeftOutAndSaid(t *testing.T) {
	video := JanusFile{"janus.plugin.videoroom.jcfg", `room-1: { videocodec = "vp8,foo"; audiocodec = "opus," }
room-2: { videocodec = "vp8 , vp9"; audio_level_average = "900"; publishers = "x"; bitrate = 99999999999999; signed_tokens = true }
room-3: { description = "` + strings.Repeat("d", 5000) + `"; pin = "p" }
room-1: { pin = "again" }
room-0: { }`}
	texts := JanusFile{"janus.plugin.textroom.jcfg", `room-5: { post = "nonsense"; history = 3 }
room-6: { post = "http://example.org/" }`}
	report, rooms := loads(t, false, video, texts)
	for _, want := range []string{
		`room-1.videocodec: not supported: "foo" is no codec`, "room-1.videocodec: taken", "room-1.audiocodec: taken",
		`room-2.videocodec: not supported: "vp8 " is no codec`, "room-2.videocodec: not supported: it names no codec",
		"room-2.audio_level_average: taken",
		"room-2.signed_tokens: taken: rooms file, signed_tokens; roomstate does not start with this room unless its --token-secret-file is set",
		"      # roomstate does not start with this room unless its --token-secret-file is set\n      signed_tokens: true",
		"room-3.description: not supported: its value cannot be taken", "room-3.pin: taken",
		"room-1: not supported: the room is left out: room 1 is there already",
		"room-5.post: not supported: its value cannot be taken", "room-5.history: taken", "room-6.post: taken: rooms file, post; roomstate does not start",
		"      # roomstate does not start with this room unless its --text-post-allow names where that is\n      post: http://example.org/",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if len(rooms) != 5 || !strings.Contains(string(rooms[0].body), `"videocodec":"vp8"`) || strings.Contains(string(rooms[1].body), "videocodec") {
		t.Errorf("%d rooms from\n%.3000s", len(rooms), report)
	}
}

// TestValuesThatJanusReadsOtherwiseMakeTheRoomThatItMakes of them.
func TestValuesThatJanusReadsOtherwiseMakeTheRoomThatItMakes(t *testing.T) {
	report, rooms := loads(t, false, JanusFile{"janus.plugin.videoroom.jcfg",
		`room-1: { opus_fec = "off"; audiolevel_event = "yes"; audio_active_packets = 0; description = "" }`},
		JanusFile{"janus.plugin.textroom.jcfg", `room-2: { description = "" }`})
	if len(rooms) != 2 {
		t.Fatalf("%d rooms from\n%s", len(rooms), report)
	}
	for i, all := range [][]string{
		{`"opus_fec":false`, `"audiolevel_event":true`, `"audio_active_packets":100`, `"description":"room-1"`}, {`"description":"room-2"`},
	} {
		for _, want := range all {
			if !strings.Contains(string(rooms[i].body), want) {
				t.Errorf("%s lacks %s", rooms[i].body, want)
			}
		}
	}
}

func TestIncludedFilesAreReadWhereTheyAreIncluded(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "more.jcfg"), []byte("room-77: { description = \"included\" }\n@include \"janus.plugin.videoroom.jcfg\""), 0o600); err != nil {
		t.Fatal(err)
	}
	main := JanusFile{filepath.Join(dir, "janus.plugin.videoroom.jcfg"), "room-1: {}\n@include \"more.jcfg\"\n@include \"none.jcfg\"\nroom-2: {}"}
	if report, rooms := loads(t, false, main); rooms != nil || !strings.Contains(report, "@include") { // each other, without end
		t.Errorf("%d rooms, %s", len(rooms), report)
	}
	more := JanusFile{filepath.Join(dir, "more.jcfg"), "room-78: { pin = \"given\" }"}
	report, rooms := loads(t, false, more, main)
	if len(rooms) != 3 || rooms[1].name != "videoroom/78" || !strings.Contains(report, "videoroom.jcfg:3: @include: not supported: open ") {
		t.Errorf("%d rooms from\n%s", len(rooms), report)
	}
}

func FuzzWhatIsReadFromJanusLoads(f *testing.F) {
	for _, seed := range []string{
		`room-8: { description = "x"; secret = ""; videocodec = "vp8,foo"; publishers = "-5"; record = "on" }`,
		`general: { string_ids = true } room-a: { rec_dir = "/x"; bitrate = 99999999999 } 5: {}`,
		"room-1: { pin = \"\\x00\\xff\"; audio_level_average = \"900\" } 1: {} 01: {}", `room-9: { audiocodec = "opus,"; fir_freq = -1 }`,
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, texts bool) {
		name := "janus.plugin.videoroom.jcfg"
		if texts {
			name = "janus.plugin.textroom.jcfg"
		}
		var r jcfg.Result
		if r.Read(name, text) != nil {
			return
		}
		byString := false
		for _, list := range r.Rooms {
			for _, room := range list {
				_, is := room["room"].(string)
				byString = byString || is
			}
		}
		loads(t, byString, JanusFile{name, text})
	})
}
