package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/ctl"
	"github.com/cardea-rtc/cardea/services/media"
	"github.com/cardea-rtc/cardea/services/roomstate"
	"github.com/cardea-rtc/cardea/services/signaling"
)

// offer is what an endpoint may send that never connects.
const offer = "v=0\\r\\no=- 1 1 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\na=group:BUNDLE 0\\r\\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\nc=IN IP4 0.0.0.0\\r\\na=mid:0\\r\\na=sendonly\\r\\na=rtcp-mux\\r\\na=setup:actpass\\r\\n" +
	"a=ice-ufrag:abcd\\r\\na=ice-pwd:abcdefghijklmnopqrstuvwx\\r\\na=rtpmap:111 opus/48000/2\\r\\na=fingerprint:sha-256 " +
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\\r\\n"

// startCluster runs one roomstate, one edge and media nodes until the test ends; it returns the addresses of the Janus API and
// of the Admin API, and that of NATS.
func startCluster(t *testing.T, change func(sg *signaling.Config), nodes ...string) (janus, admin, bus string) {
	t.Helper()
	return startClusterOf(t, func(*config) {}, change, nodes...)
}

// startClusterOf also changes what all services are made of.
func startClusterOf(t *testing.T, set func(*config), change func(sg *signaling.Config), nodes ...string) (janus, admin, bus string) {
	t.Helper()
	server, err := startNATS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	store, stop, err := startStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	cfg := defaults(t)
	cfg.Events.Subject = "cardea.events"
	cfg.Events.Mask, cfg.Events.Queue, cfg.Events.Timeout = []string{"all"}, 1000, time.Second
	set(&cfg)
	rs, md, sg, err := serviceConfigs(cfg, server.ClientURL(), "redis://"+store.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []*string{
		&sg.Listen, &sg.HTTPListen, &sg.AdminListen, &sg.AdminHTTPListen, &sg.OpsListen, &rs.OpsListen, &md.OpsListen, &md.GRPCListen,
	} {
		*address = "127.0.0.1:0"
	}
	md.UDPPort, md.Workers = 0, 1
	log := slog.New(slog.DiscardHandler)
	run := func(serve func(context.Context) error) { serving(t, serve) }
	run(func(ctx context.Context) error { return roomstate.Run(ctx, rs, log) })
	for _, name := range nodes {
		one := md
		one.Name = name
		run(func(ctx context.Context) error { return media.Run(ctx, one, log) })
	}
	if change != nil {
		change(&sg)
	}
	listening := make(chan map[string]net.Addr, 1)
	sg.Listening = func(a map[string]net.Addr) { listening <- a }
	run(func(ctx context.Context) error { return signaling.Run(ctx, sg, log) })
	select {
	case a := <-listening:
		return "http://" + a["http"].String() + sg.HTTPPath, "http://" + a["admin-http"].String() + sg.AdminPath, server.ClientURL()
	case <-time.After(30 * time.Second):
		t.Fatal("the edge does not listen")
		return "", "", ""
	}
}

// runCtl runs cardea-ctl.
func runCtl(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = ctl.Run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

// wantCtl runs it until it ends with code 0 and prints a text.
func wantCtl(t *testing.T, text string, args ...string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		code, out, errOut := runCtl(t, args...)
		if code == ctl.Done && strings.Contains(strings.Join(strings.Fields(out), " "), text) {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v: no %q in %s%s, code %d", args, text, out, errOut, code)
		}
	}
}

func TestCtlSeesAndSteersACluster(t *testing.T) {
	janus, admin, bus := startCluster(t, nil, "media-0", "media-1")
	t.Setenv("CARDEA_ADMIN_URL", admin)
	wantCtl(t, "media-0 ready", "nodes")
	wantCtl(t, "media-1 ready", "nodes")

	var events lockedBuffer
	ctx, stop := context.WithCancel(t.Context())
	followed := make(chan int, 1)
	go func() {
		followed <- ctl.Run(ctx, []string{"events", "--nats-url", bus, "--events-subject", "cardea.events"}, &events, io.Discard)
	}()
	defer func() {
		stop()
		if code := <-followed; code != ctl.Done {
			t.Errorf("events ended with %d", code)
		}
	}()

	e := &edges{t: t, http: []string{janus}}
	id := func(answer map[string]any) string {
		data, _ := answer["data"].(map[string]any)
		return fmt.Sprintf("%.0f", data["id"])
	}
	session := id(e.post(0, "", `{"janus":"create","transaction":"c"}`))
	handle := id(e.post(0, "/"+session, `{"janus":"attach","plugin":"janus.plugin.videoroom","transaction":"a"}`))
	say := func(body, rest string) {
		e.post(0, "/"+session+"/"+handle, `{"janus":"message","transaction":"m","body":`+body+rest+`}`)
	}
	say(`{"request":"create","room":77,"description":"Standup","secret":"sesame","is_private":true}`, "")
	say(`{"request":"join","room":77,"ptype":"publisher","id":5,"display":"Al"}`, "")
	wantCtl(t, "77 videoroom 1 0 - Standup", "rooms")
	wantCtl(t, "publisher 5 Al "+session+"/"+handle+" - no 0", "room", "77")
	if code, _, errOut := runCtl(t, "move", handle, "media-1"); code != ctl.Refused || !strings.Contains(errOut, "no PeerConnection") {
		t.Errorf("without a PeerConnection: %d, %s", code, errOut)
	}
	say(`{"request":"publish"}`, `,"jsep":{"type":"offer","sdp":"`+offer+`"}`)
	wantCtl(t, "77 videoroom 1 0 media-0 Standup", "rooms")
	wantCtl(t, session+"/"+handle+" videoroom 77 publisher http", "sessions")
	wantCtl(t, "0 audio opus in main", "stats", handle)
	var stats struct {
		Plugin string `json:"plugin"`
	}
	if out := wantCtl(t, "", "stats", session+"/"+handle, "--json"); json.Unmarshal([]byte(out), &stats) != nil || stats.Plugin != "janus.plugin.videoroom" {
		t.Errorf("stats: %s", out)
	}

	// An endpoint that never connects cannot be moved: the drain ends by its deadline.
	code, out, errOut := runCtl(t, "drain", "media-0", "--deadline", "2s", "--every", "100ms")
	if code != ctl.Refused || !strings.Contains(out, "1 of 1 left") || !strings.Contains(errOut, "stay on media-0") {
		t.Errorf("drain: %d, %s, %s", code, out, errOut)
	}
	wantCtl(t, "media-0 drained, 1 stay", "nodes")
	wantCtl(t, "takes work again", "undrain", "media-0")
	wantCtl(t, "media-0 ready", "nodes")
	wantCtl(t, "media-1 is drained", "drain", "media-1")
	if code, _, errOut := runCtl(t, "drain", "media-0"); code != ctl.Refused || !strings.Contains(errOut, "There is no other node") {
		t.Errorf("the last node: %d, %s", code, errOut)
	}
	if code, _, errOut := runCtl(t, "drain", "media-9"); code != ctl.Refused || !strings.Contains(errOut, "No such node (media-9)") {
		t.Errorf("no node: %d, %s", code, errOut)
	}

	if code, _, errOut := runCtl(t, "kick", "77", "5"); code != ctl.Refused || !strings.Contains(errOut, "--room-secret-file") {
		t.Errorf("without the room's secret: %d, %s", code, errOut)
	}
	t.Setenv("CARDEA_ROOM_SECRET", "sesame")
	wantCtl(t, "5 is out of room 77", "kick", "77", "5")
	wantCtl(t, "77 videoroom 0 0 - Standup", "rooms")
	if code, _, errOut := runCtl(t, "kick", "77", "5"); code != ctl.Refused || !strings.Contains(errOut, "no participant 5") {
		t.Errorf("once more: %d, %s", code, errOut)
	}
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(events.String(), `"kicked"`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("events: %s", events.String())
		}
	}
	wantCtl(t, "room 77 of videoroom is gone", "destroy", "77")
	if code, _, errOut := runCtl(t, "destroy", "77"); code != ctl.Refused {
		t.Errorf("once more: %d, %s", code, errOut)
	}
	handle = id(e.post(0, "/"+session, `{"janus":"attach","plugin":"janus.plugin.textroom","transaction":"a"}`))
	say(`{"request":"create","room":78,"secret":"sesame"}`, "")
	wantCtl(t, "78 textroom", "rooms")
	wantCtl(t, "room 78 of textroom is gone", "destroy", "78", "--plugin", "textroom")
}

// TestCtlEndsRoomsWhoseSecretIsLost: by the admin key, which is of no use for that to who has no access to the Admin API.
func TestCtlEndsRoomsWhoseSecretIsLost(t *testing.T) {
	dir := t.TempDir()
	key, wrong := filepath.Join(dir, "key"), filepath.Join(dir, "wrong")
	for path, text := range map[string]string{key: "k3y\n", wrong: "other\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	janus, admin, _ := startClusterOf(t, func(c *config) { c.Roomstate.AdminKeyFile = key }, nil)
	t.Setenv("CARDEA_ADMIN_URL", admin)
	e := &edges{t: t, http: []string{janus}}
	id := func(answer map[string]any) string {
		data, _ := answer["data"].(map[string]any)
		return fmt.Sprintf("%.0f", data["id"])
	}
	session := id(e.post(0, "", `{"janus":"create","transaction":"c"}`))
	attach := func(plugin string) (say func(body string) string) {
		handle := id(e.post(0, "/"+session, `{"janus":"attach","plugin":"janus.plugin.`+plugin+`","transaction":"a"}`))
		return func(body string) string {
			return fmt.Sprint(e.post(0, "/"+session+"/"+handle, `{"janus":"message","transaction":"m","body":`+body+`}`))
		}
	}
	video, text := attach("videoroom"), attach("textroom")
	video(`{"request":"create","room":77,"secret":"lost","is_private":true,"admin_key":"k3y"}`)
	text(`{"request":"create","room":78,"secret":"lost","admin_key":"k3y"}`)
	if got := video(`{"request":"destroy","room":77,"admin_key":"k3y"}`); !strings.Contains(got, "429") {
		t.Errorf("a client destroys it with the admin key: %s", got)
	}
	if got := text(`{"request":"destroy","room":78,"admin_key":"k3y"}`); !strings.Contains(got, "(secret)") {
		t.Errorf("a client destroys it with the admin key: %s", got)
	}
	video(`{"request":"join","room":77,"ptype":"publisher","id":5,"display":"Al"}`)
	wantCtl(t, "publisher 5 Al", "room", "77")
	for _, command := range [][]string{{"kick", "77", "5"}, {"destroy", "77"}, {"destroy", "78", "--plugin", "textroom"}} {
		for _, without := range [][]string{nil, {"--admin-key-file", wrong}} {
			if code, _, errOut := runCtl(t, append(command, without...)...); code != ctl.Refused || !strings.Contains(errOut, "--admin-key-file") {
				t.Errorf("%s %s: %d, %s", command, without, code, errOut)
			}
		}
	}
	wantCtl(t, "5 is out of room 77", "kick", "77", "5", "--admin-key-file", key)
	wantCtl(t, "room 77 of videoroom is gone", "destroy", "77", "--admin-key-file", key)
	wantCtl(t, "room 78 of textroom is gone", "destroy", "78", "--plugin", "textroom", "--admin-key-file", key)
}

func TestCtlNeedsTheAdminSecret(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	janus, admin, _ := startCluster(t, func(sg *signaling.Config) { sg.AdminSecretFile = secret })
	if code, _, errOut := runCtl(t, "nodes", "--address", admin); code != ctl.Refused || !strings.Contains(errOut, "Unauthorized") {
		t.Errorf("without it: %d, %s", code, errOut)
	}
	if code, _, errOut := runCtl(t, "nodes", "--address", admin, "--admin-secret-file", secret); code != ctl.Done {
		t.Errorf("with it: %d, %s", code, errOut)
	}
	if code, _, errOut := runCtl(t, "nodes", "--address", strings.TrimSuffix(janus, "/janus")+"/admin"); code != ctl.Unreachable || !strings.Contains(errOut, "404") {
		t.Errorf("where there is no Admin API: %d, %s", code, errOut)
	}
}

// lockedBuffer is one that may be read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
