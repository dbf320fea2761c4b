package jcfg

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseReadsWhatLibconfigWrites(t *testing.T) {
	got, err := Parse(`# a comment
general: {
	text = "a" // another
	       "b\n\x41\"";   /* and
	another */ number = -5; big : 0x1FL, real = 1.5; yes = TRUE
	list = ( "x", { deep = [1, 2] }, () )
};
empty = {}
room-1234: { secret = "s" }`)
	if err != nil {
		t.Fatal(err)
	}
	want := Group{
		{"general", Group{
			{"text", "ab\nA\"", 3}, {"number", int64(-5), 5}, {"big", int64(31), 5}, {"real", 1.5, 5}, {"yes", true, 5},
			{"list", []any{"x", Group{{"deep", []any{int64(1), int64(2)}, 6}}, []any{}}, 6},
		}, 2},
		{"empty", Group{}, 8},
		{"room-1234", Group{{"secret", "s", 9}}, 9},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseSaysWhereAFileIsBroken(t *testing.T) {
	for text, want := range map[string]string{
		"a = {\nb = 1":                   "line 2: a group is not closed",
		"a = \"x":                        "a string is not closed",
		"a 5":                            "expected = or :",
		"a = maybe":                      `"maybe" is no value`,
		"= 5":                            "expected a name",
		"a = [1 2]":                      "expected ,",
		"@include \"b\"":                 "@include",
		"a = \"\\q\"":                    "unknown escape",
		"a = ":                           "a value is missing",
		"a = }":                          "is no value",
		strings.Repeat("a={", 99):        "groups in each other",
		"a = " + strings.Repeat("(", 99): "lists in each other",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, not %q", text, err, want)
		}
	}
}

func TestEveryKeyIsTakenOrToldWhyNot(t *testing.T) {
	var r Result
	for _, file := range []string{
		"janus.jcfg", "janus.plugin.videoroom.jcfg", "janus.plugin.textroom.jcfg", "janus.transport.http.jcfg", "janus.eventhandler.sampleevh.jcfg",
	} {
		b, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Read(file, string(b)); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/report.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Error(diff)
	}
	for _, hidden := range []string{"apisecret-value", "adminkey-value", "password-value"} {
		if strings.Contains(out.String(), hidden) {
			t.Errorf("the report shows the secret %s", hidden)
		}
	}
}

func TestAWholePathIsTakenWithWhatItHasToBe(t *testing.T) {
	var r Result
	if err := r.Read("janus.plugin.videoroom.jcfg", `room-1: { rec_dir = "/var/rec" }
room-2: { rec_dir = "rec" }`); err != nil {
		t.Fatal(err)
	}
	if r.Rooms["rooms"][0]["rec_dir"] != "/var/rec" || r.Rooms["rooms"][1]["rec_dir"] != "rec" || r.Taken != 2 ||
		!strings.HasSuffix(r.Lines[0], "it has to be in the media nodes' --record-dir, or nothing is recorded") {
		t.Errorf("got %+v", r)
	}
}

func TestFilesOfWhatCardeaLacksArePassedOver(t *testing.T) {
	var r Result
	if err := r.Read("/etc/janus/janus.plugin.streaming.jcfg", "rtp-sample: { id = 1 }"); err != nil {
		t.Fatal(err)
	}
	if len(r.Rooms) != 0 || len(r.Lines) != 1 || !strings.Contains(r.Lines[0], "not supported: Cardea has nothing that this file is about") {
		t.Errorf("got %+v", r)
	}
	if err := r.Read("mine.jcfg", `room-1: { description = "D" }`); err != nil || len(r.Rooms["rooms"]) != 1 {
		t.Errorf("rooms under another name: %+v, %v", r.Rooms, err)
	}
}

// row is a key's on the page on migration.
func row(k Key) string {
	if k.Service == "" {
		return "| `" + k.Name + "` | not supported: " + k.Why + " |"
	}
	return "| `" + k.Name + "` | " + strings.TrimSuffix("`"+k.as()+"`; "+k.Why, "; ") + " |"
}

func TestThePageOnMigrationNamesEveryKey(t *testing.T) {
	b, err := os.ReadFile("../../../../docs/migrate-from-janus.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range Files {
		_, part, found := strings.Cut(string(b), "## Keys of "+file.Name+"\n")
		if !found {
			t.Errorf("the page has no part about %s", file.Name)
			continue
		}
		part, _, _ = strings.Cut(part, "\n## ")
		for _, k := range file.Keys {
			if !strings.Contains(part, row(k)) {
				t.Errorf("the part about %s lacks: %s", file.Name, row(k))
			}
		}
		for name, why := range file.RoomGone {
			if !strings.Contains(part, "| `"+name+"` | not supported: "+why+" |") {
				t.Errorf("the part about %s lacks %s of rooms", file.Name, name)
			}
		}
		for name := range file.RoomKeys {
			if !strings.Contains(part, "`"+name+"`") {
				t.Errorf("the part about %s lacks %s of rooms", file.Name, name)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: { b = \"c\" \"d\"; e = [1, 2L, 0x3]; }", "/* */ a = (true, {}, 1.5e3)", "a=\"\\x41\" # c", "@include \"x\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Parse(text); err != nil {
			return
		}
		var r Result
		if err := r.Read("f", text); err != nil {
			t.Errorf("parsed, but not read: %v", err)
		}
		if err := r.Print(new(strings.Builder)); err != nil {
			t.Errorf("not printed: %v", err)
		}
	})
}

// TestValuesInQuotesAreReadToo as Janus reads them.
func TestValuesInQuotesAreReadToo(t *testing.T) {
	for _, value := range []string{`"yes"`, `"True"`, `"1"`, `1`, `true`} {
		var r Result
		text := "general: { string_ids = " + value + ` }` + "\n" + `room-abc: { publishers = "12" } room-7: { is_private = "yes" }`
		if err := r.Read("janus.plugin.videoroom.jcfg", text); err != nil {
			t.Fatal(err)
		}
		want := []map[string]any{
			{"room": "abc", "description": "room-abc", "publishers": int64(12)}, {"room": "7", "description": "room-7", "is_private": true},
		}
		if diff := cmp.Diff(want, r.Rooms["rooms"]); diff != "" || !strings.HasSuffix(r.Lines[0], "taken: roomstate --string-ids=true") {
			t.Errorf("string_ids = %s: %q, %s", value, r.Lines[0], diff)
		}
	}
	var r Result
	err := r.Read("janus.jcfg", `general: { reclaim_session_timeout = "10" server_name = "it's mine" token_auth = "no" session_timeout = "soon" } nat: { ice_tcp = "on" }`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"janus.jcfg:1: general.reclaim_session_timeout: taken: roomstate --reclaim-session-timeout=10s",
		`janus.jcfg:1: general.server_name: taken: signaling --server-name='it'\''s mine'`,
		"janus.jcfg:1: general.token_auth: taken: signaling --token-auth=false",
		"janus.jcfg:1: general.session_timeout: not supported: its value is of another type than expected",
		`janus.jcfg:1: nat.ice_tcp: taken: media --tcp=false; "on" is not yes, true or 1: Janus takes it for false`,
	}
	if diff := cmp.Diff(want, r.Lines); diff != "" {
		t.Error(diff)
	}
}

// TestValuesMeanWhatTheyMeanAtJanus where they are not what they seem.
func TestValuesMeanWhatTheyMeanAtJanus(t *testing.T) {
	for _, c := range []struct {
		file, text string
		want       []string
	}{
		{"janus.transport.http.jcfg", `general: { base_path = "/janus/" } admin: { admin_base_path = "/" } cors: { allow_origin = "*" }`, []string{
			"general.base_path: taken: signaling --http-path=/janus", "admin.admin_base_path: taken: signaling --admin-path=/",
			"cors.allow_origin: taken: nothing has to be set: all pages may connect without signaling --origins",
		}},
		{"janus.transport.http.jcfg", `general: { base_path = "janus" }`, []string{
			"general.base_path: not supported: its value is of another type than expected",
		}},
		{"janus.eventhandler.sampleevh.jcfg", `general: { backend = "https://me:topsecret@h.example/x?a=b" grouping = "off" }`, []string{
			"general.backend: taken: all --events-backend='https://h.example/x?a=b'; who it is goes into settings of its own: " +
				"all --events-backend-user=me, and the password into a file that --events-backend-password-file names",
			"general.grouping: taken: all --events-grouping=false",
		}},
		{"janus.jcfg", `nat: { nat_1_1_mapping = "192.0.2.4,10.0.0.5, bad, 192.0.2.6," }`, []string{
			`nat.nat_1_1_mapping: not supported: " bad" is no address; Janus passes it over too`,
			`nat.nat_1_1_mapping: not supported: " 192.0.2.6" is no address; Janus passes it over too`,
			"nat.nat_1_1_mapping: taken: media --advertise=192.0.2.4,10.0.0.5",
		}},
		{"janus.jcfg", `nat: { nat_1_1_mapping = "bad" }`, []string{
			`nat.nat_1_1_mapping: not supported: "bad" is no address; Janus passes it over too`,
			"nat.nat_1_1_mapping: not supported: it names no address",
		}},
		{"janus.jcfg", `general: { session_timeout = 90.5; reclaim_session_timeout = "10.9"; server_name = "1.5" } media: { no_media_timer = 2.9; slowlink_threshold = "4.x" }`, []string{
			"general.session_timeout: taken: roomstate --session-timeout=90s; Janus takes it without the fraction",
			"general.reclaim_session_timeout: taken: roomstate --reclaim-session-timeout=10s; Janus takes it without the fraction",
			"general.server_name: taken: signaling --server-name=1.5",
			"media.no_media_timer: taken: media --no-media-timer=2; Janus takes it without the fraction",
			"media.slowlink_threshold: not supported: its value is of another type than expected",
		}},
		{"janus.transport.http.jcfg", `general: { port = 8088.5 }`, []string{
			"general.port: not supported: its value is of another type than expected",
		}},
		{"janus.plugin.videoroom.jcfg", `room-1: { audio_level_average = 25.5; audio_active_packets = "100.9"; opus_fec = false; opus_dtx = false; signed_tokens = false }`, []string{
			"room-1.audio_level_average: taken: rooms file, audio_level_average; Janus takes 25 instead",
			"room-1.audio_active_packets: taken: rooms file, audio_active_packets; Janus takes 100 instead",
			"room-1.opus_fec: taken: rooms file, opus_fec", "room-1.opus_dtx: taken: rooms file, opus_dtx",
			"room-1.signed_tokens: taken: rooms file, signed_tokens",
		}},
		{"janus.plugin.videoroom.jcfg", `general: { string_ids = "maybe" } room-1: { opus_fec = "off"; opus_dtx = "on"; audio_active_packets = 0; audio_level_average = "-1"; description = "" }`, []string{
			`general.string_ids: taken: roomstate --string-ids=false; "maybe" is not yes, true or 1: Janus takes it for false`,
			"room-1.opus_fec: taken: rooms file, opus_fec",
			`room-1.opus_dtx: taken: rooms file, opus_dtx; "on" is not yes, true or 1: Janus takes it for false`,
			"room-1.audio_active_packets: taken: rooms file, audio_active_packets; Janus takes 100 instead",
			"room-1.audio_level_average: taken: rooms file, audio_level_average; Janus takes 25 instead",
			"room-1.description: taken: it is empty: the name of the section counts, as at Janus",
		}},
	} {
		var r Result
		if err := r.Read(c.file, c.text); err != nil {
			t.Fatal(err)
		}
		for i := range c.want {
			c.want[i] = c.file + ":1: " + c.want[i]
		}
		if diff := cmp.Diff(c.want, r.Lines); diff != "" {
			t.Error(diff)
		}
		for _, room := range r.Rooms["rooms"] {
			delete(room, "signed_tokens")
			want := map[string]any{
				"room": uint64(1), "description": "room-1", "opus_fec": false, "opus_dtx": false, "audio_active_packets": int64(100), "audio_level_average": int64(25),
			}
			if diff := cmp.Diff(want, room); diff != "" {
				t.Error(diff)
			}
		}
	}
}
