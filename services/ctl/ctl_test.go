package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// server answers requests of the Admin API by their names; what is asked is kept.
func server(t *testing.T, answers map[string]string) (address string, asked func() string) {
	t.Helper()
	var last string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var request struct {
			Janus string `json:"janus"`
		}
		if err := json.Unmarshal(b, &request); err != nil || r.Method != http.MethodPost {
			t.Errorf("asked %s %s", r.Method, b)
		}
		last = string(b)
		fmt.Fprint(w, answers[request.Janus])
	}))
	t.Cleanup(s.Close)
	return s.URL, func() string { return last }
}

func run(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestStatusSaysWhatWentWrong(t *testing.T) {
	good, _ := server(t, map[string]string{
		"list_nodes":   `{"janus":"success","transaction":"a","nodes":[]}`,
		"list_rooms":   `{"janus":"error","transaction":"a","error":{"code":403,"reason":"Unauthorized\u001b[2J request"}}`,
		"undrain_node": `{"status":"other"}`, "room_info": `not JSON`, "list_sessions": `{"janus":"success","sessions":"x"}`,
		"move_handle": `{"janus":"success"}`, "drain_node": `{"janus":"success","id":"n","node":"n","peers":0}`,
	})
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		text string
	}{
		{"nodes", Done, ""},
		{"nodes --json", Done, ""},
		{"rooms", Refused, "list_rooms: Unauthorized�[2J request (403)"},
		{"undrain a", Unreachable, "does not speak the Admin API"},
		{"room 1", Unreachable, "does not speak the Admin API"},
		{"sessions", Unreachable, "answer to list_sessions is not understood"},
		{"drain n --every 100ms", Done, ""}, // it is not listed: it has ended
		{"move 5/6 b", Done, ""},
		{"move x b", Usage, `HANDLE "x" is neither`},
		{"move 5/x b", Usage, `HANDLE "5/x" is neither`},
		{"move 0 b", Usage, `HANDLE "0" is neither`},
		{"drain a --deadline 20m", Usage, "--deadline 20m0s is not from 1s to 10m0s"},
		{"drain a --deadline soon", Usage, `--deadline`},
		{"drain", Usage, "<node>"},
		{"nodes --wach", Usage, "--wach"},
		{"nodes --every 1ms", Usage, "--every 1ms must be 100ms or more"},
		{"room 1 --plugin none", Usage, `--plugin must be one of`},
		{"dance", Usage, "dance"},
		{"", Usage, "expected one of"},
		{"nodes --address localhost:7088", Usage, `--address "localhost:7088" is no URL`},
		{"nodes --address http://u:p@h/", Usage, "--address must not hold a password"},
		{"nodes --admin-secret-file /no/such", Usage, "--admin-secret-file: open /no/such"},
		{"nodes --ca " + empty, Usage, "--ca " + empty + " has no certificate"},
		{"nodes --timeout 0s", Usage, "--timeout 0s must be above 0"},
		{"nodes --address http://127.0.0.1:1/", Unreachable, "no answer from the Admin API"},
		{"events", Usage, "--events-subject"},
		{"events --events-subject a --nats-url nats://u:p@h", Usage, "--nats-url must not hold a password"},
		{"events --events-subject a --nats-url nats://127.0.0.1:1 --timeout 100ms", Unreachable, "no NATS server"},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(c.args)
			if len(args) > 0 && !strings.Contains(c.args, "--address") {
				args = append(args, "--address", good)
			}
			code, out, errOut := run(t, args...)
			if code != c.code || !strings.Contains(errOut, c.text) || c.code == Done && errOut != "" {
				t.Errorf("got %d, %s, %s", code, out, errOut)
			}
		})
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	if code, out, _ := run(t, "--help"); code != Done || !strings.Contains(out, "3 if nobody") {
		t.Errorf("got %d, %s", code, out)
	}
	for _, command := range strings.Fields("nodes rooms room sessions stats move drain undrain kick destroy events") {
		if code, out, _ := run(t, command, "--help"); code != Done || !strings.Contains(out, "cardea-ctl "+command) {
			t.Errorf("%s: got %d, %s", command, code, out)
		}
	}
}

func TestTheSecretIsReadAndGoesNowhereElse(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Error("asked elsewhere") }))
	defer elsewhere.Close()
	turned := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer turned.Close()
	address, asked := server(t, map[string]string{"list_nodes": `{"janus":"success"}`})
	t.Setenv("CARDEA_ADMIN_SECRET", "fromenv")
	t.Setenv("CARDEA_ADMIN_URL", address)
	if code, _, _ := run(t, "nodes"); code != Done || !strings.Contains(asked(), `"admin_secret":"fromenv"`) {
		t.Errorf("got %d, asked %s", code, asked())
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("fromfile\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := run(t, "nodes", "--admin-secret-file", file); code != Done || !strings.Contains(asked(), `"admin_secret":"fromfile"`) {
		t.Errorf("got %d, asked %s", code, asked())
	}
	if code, _, errOut := run(t, "nodes", "--address", turned.URL); code != Unreachable || strings.Contains(errOut, "fromenv") {
		t.Errorf("got %d, %s", code, errOut)
	}
}

func TestNamesOfParticipantsDoNotReachTheTerminal(t *testing.T) {
	address, _ := server(t, map[string]string{
		"room_info": `{"janus":"success","room":1,"present":[{"role":"publisher","id":"a\tb","display":"\u001b]0;x\u0007\nroot ä","session_id":5,"handle_id":6,"streams":2}]}`,
	})
	code, out, _ := run(t, "room", "1", "--address", address)
	if code != Done || strings.ContainsAny(out, "\x1b\x07\t") || strings.Count(out, "\n") != 2 || !strings.Contains(out, "�root ä") || !strings.Contains(out, "5/6") {
		t.Errorf("got %d, %q", code, out)
	}
}

func TestWatchingGoesOnUntilItIsInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		switch n {
		case 2: // it is away for a moment
			w.WriteHeader(http.StatusServiceUnavailable)
		case 4:
			stop()
		default:
			fmt.Fprint(w, `{"janus":"success","nodes":[]}`)
		}
	}))
	defer s.Close()
	var out, errOut bytes.Buffer
	code := Run(ctx, []string{"nodes", "--watch", "--json", "--every", "100ms", "--address", s.URL}, &out, &errOut)
	if code != Done || out.String() != "{\"nodes\":[]}\n{\"nodes\":[]}\n" || !strings.Contains(errOut.String(), "503") {
		t.Errorf("got %d, %s, %s", code, out.String(), errOut.String())
	}
}

// draining answers as a cluster in which a node is drained that has fewer PeerConnections each time; at the end of lefts it is
// over.
func draining(t *testing.T, lefts []int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if bytes.Contains(b, []byte("drain_node")) {
			if !bytes.Contains(b, []byte(`"deadline":90`)) {
				t.Errorf("asked %s", b)
			}
			fmt.Fprint(w, `{"janus":"success","id":"n-1","node":"media-1","peers":3,"deadline":90}`)
			return
		}
		left, over := lefts[0], len(lefts) == 1
		if !over {
			lefts = lefts[1:]
		}
		fmt.Fprintf(w, `{"janus":"success","nodes":[{"id":"n-1","name":"media-1","drain":{"peers":3,"left":%d,"deadline":%d,"over":%t}}]}`,
			left, time.Now().Add(time.Minute).UnixMicro(), over)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestADrainIsFollowed(t *testing.T) {
	for _, c := range []struct {
		lefts     []int
		code      int
		out, fail string
	}{
		{[]int{3, 3, 1, 0}, Done, "1 of 3 left", ""},
		{[]int{3, 1, 1}, Refused, "3 of 3 left", "1 PeerConnections stay on media-1"},
	} {
		address := draining(t, c.lefts)
		code, out, errOut := run(t, "drain", "media-1", "--deadline", "90s", "--every", "100ms", "--address", address)
		if code != c.code || strings.Count(out, "3 of 3 left") != 1 || !strings.Contains(out, c.out) || !strings.Contains(errOut, c.fail) {
			t.Errorf("%v: got %d, %s, %s", c.lefts, code, out, errOut)
		}
	}
}

// stopAt interrupts when a text is written.
type stopAt struct {
	io.Writer
	text string
	stop func()
}

func (s stopAt) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(s.text)) {
		s.stop()
	}
	return s.Writer.Write(b)
}

func TestADrainGoesOnWithoutUs(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	address := draining(t, []int{3, 3})
	var out, errOut bytes.Buffer
	code := Run(ctx, []string{"drain", "media-1", "--deadline", "90s", "--every", "100h", "--address", address}, stopAt{&out, "3 of 3 left", stop}, &errOut)
	if code != Interrupted || !strings.Contains(errOut.String(), "to call it off: cardea-ctl undrain media-1") {
		t.Errorf("got %d, %s, %s", code, out.String(), errOut.String())
	}
}

func TestKickRepeatsIDsAsTheyWereTold(t *testing.T) {
	for room, want := range map[string]string{`7`: `"room":7`, `"7"`: `"room":"7"`} {
		address, asked := server(t, map[string]string{
			"room_info":      `{"janus":"success","room":` + room + `,"present":[{"role":"subscriber"},{"role":"publisher","id":9007199254740991}]}`,
			"message_plugin": `{"janus":"success","response":{"videoroom":"success"}}`,
		})
		t.Setenv("CARDEA_ROOM_SECRET", "s")
		code, _, errOut := run(t, "kick", "7", "9007199254740991", "--address", address)
		if code != Done || !strings.Contains(asked(), want) || !strings.Contains(asked(), `"id":9007199254740991`) || !strings.Contains(asked(), `"secret":"s"`) {
			t.Errorf("got %d, %s, asked %s", code, errOut, asked())
		}
		if code, _, errOut := run(t, "kick", "7", "8", "--address", address); code != Refused || !strings.Contains(errOut, "no participant 8 in room 7") {
			t.Errorf("got %d, %s", code, errOut)
		}
	}
}

func TestDestroyRepeatsTheIDAndSaysWhereSecretsComeFrom(t *testing.T) {
	answers := map[string]string{
		"room_info":      `{"janus":"success","room":"7","present":[]}`,
		"message_plugin": `{"janus":"success","response":{"textroom":"destroyed","room":"7"}}`,
	}
	address, asked := server(t, answers)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := run(t, "destroy", "7", "--plugin", "textroom", "--room-secret-file", file, "--address", address)
	if code != Done || !strings.Contains(out, "room 7 of textroom is gone") {
		t.Errorf("got %d, %s%s", code, out, errOut)
	}
	for _, want := range []string{`"plugin":"janus.plugin.textroom"`, `"request":"destroy"`, `"room":"7"`, `"secret":"s"`, `"transaction":`} {
		if !strings.Contains(asked(), want) {
			t.Errorf("no %s in %s", want, asked())
		}
	}
	if code, out, errOut := run(t, "destroy", "7", "--admin-key-file", file, "--address", address); code != Done || !strings.Contains(asked(), `"admin_key":"s"`) || strings.Contains(asked(), `"secret"`) {
		t.Errorf("by the admin key: %d, %s%s: %s", code, out, errOut, asked())
	}
	if code, _, errOut := run(t, "destroy", "7", "--admin-key-file", file+"x", "--address", address); code != Usage || !strings.Contains(errOut, "--admin-key-file") {
		t.Errorf("got %d, %s", code, errOut)
	}
	answers["message_plugin"] = `{"janus":"success","response":{"videoroom":"event","error_code":429,"error":"Missing mandatory element (secret)"}}`
	address, _ = server(t, answers)
	if code, _, errOut := run(t, "destroy", "7", "--address", address); code != Refused || !strings.Contains(errOut, "--room-secret-file") {
		t.Errorf("got %d, %s", code, errOut)
	}
	if code, _, errOut := run(t, "destroy", "7", "--room-secret-file", file+"x", "--address", address); code != Usage || !strings.Contains(errOut, "--room-secret-file") {
		t.Errorf("got %d, %s", code, errOut)
	}
}

func TestHandlesAreFoundByTheirNumber(t *testing.T) {
	address, asked := server(t, map[string]string{
		"list_sessions": `{"janus":"success","sessions":[{"session_id":1,"handles":[{"handle_id":5},{"handle_id":6}]},{"session_id":2,"handles":[{"handle_id":6}]}]}`,
		"handle_info":   `{"janus":"success","info":{"plugin":"janus.plugin.echotest"}}`,
	})
	if code, out, _ := run(t, "stats", "5", "--address", address); code != Done || out != "echotest: no PeerConnection\n" || !strings.Contains(asked(), `"session_id":1`) {
		t.Errorf("got %d, %s, asked %s", code, out, asked())
	}
	for handle, want := range map[string]string{"6": "2 sessions have a handle 6: say SESSION/HANDLE", "7": "no session has a handle 7"} {
		if code, _, errOut := run(t, "stats", handle, "--address", address); code != Refused || !strings.Contains(errOut, want) {
			t.Errorf("got %d, %s", code, errOut)
		}
	}
}

func TestStatsAreShownByStream(t *testing.T) {
	address, _ := server(t, map[string]string{"handle_info": `{"janus":"success","info":{"plugin":"janus.plugin.videoroom","current_time":9000000,
		"webrtc":{"ice":{"state":"ready","selected-pair":"a <-> b"},"dtls":{"dtls-state":"connected","connected":2000000},"media":{
		"1":{"mindex":1,"mid":"1","type":"data"},
		"0":{"mindex":0,"mid":"0","type":"video","codecs":{"codec":"vp8"},"direction":{"recv":true,"send":false},
		"rtcp":{"main":{"lost":3,"jitter-local":4,"in-link-quality":97},"sim1":{"lost":5}},
		"stats":{"in":{"packets":10,"bytes_lastsec":25000,"nacks":2,"video-simulcast-1":{"packets":11}},"out":{}}}}}}}`})
	code, out, _ := run(t, "stats", "1/2", "--address", address)
	lines := strings.Split(out, "\n")
	if code != Done || len(lines) != 6 || !strings.Contains(lines[0], "ICE ready, DTLS connected for 7s, a <-> b") {
		t.Fatalf("got %d, %s", code, out)
	}
	if got := strings.Fields(lines[2]); strings.Join(got, " ") != "0 video vp8 in main 200 10 3 2 0 4 ms - 97%" {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(lines[3], "11 ") || !strings.HasPrefix(lines[4], "1") {
		t.Errorf("got %s", out)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"janus":"success","nodes":[{"name":"a","drain":{"left":1},"cpu":1}]}`, `{"janus":"success","rooms":[{"room":"x","nodes":["a"]}]}`,
		`{"janus":"success","present":[{"id":1,"display":"\u001b"}]}`, `{"janus":"success","sessions":[{"session_id":1,"handles":[{}]}]}`,
		`{"janus":"success","webrtc":{"media":{"0":{"direction":{"recv":true,"send":true}}}}}`, `{"janus":"error","error":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		answer, err := read("x", b)
		if err != nil {
			return
		}
		for _, show := range []func(io.Writer, json.RawMessage) error{nodesTable, roomsTable, roomTable, sessionsTable, idsTable, statsTable} {
			var out bytes.Buffer
			if show(&out, answer) == nil && bytes.ContainsRune(out.Bytes(), 0x1b) {
				t.Errorf("an escape gets through: %q", out.Bytes())
			}
		}
		var out bytes.Buffer
		if printEvent(&out, b, false) != nil || bytes.ContainsRune(out.Bytes(), 0x1b) {
			t.Errorf("an escape gets through: %q", out.Bytes())
		}
	})
}
