//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/clients"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// startWHIP runs Debian's simple-whip-server before a Janus server and returns its address.
func startWHIP(t *testing.T, server string) string {
	t.Helper()
	dir := t.TempDir()
	installed := filepath.Join(clients.Dir(t), "simple-whip-server/usr/share/simple-whip-server")
	for _, name := range []string{"server.js", "whip-janus.js"} {
		b, err := os.ReadFile(filepath.Join(installed, "src", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	port := proc.FreePort(t)
	config, err := json.Marshal(map[string]any{
		"janus": map[string]any{"address": server}, "port": port, "rest": "/whip", "allowTrickle": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.js"), fmt.Appendf(nil, "module.exports = %s;\n", config), 0o644); err != nil {
		t.Fatal(err)
	}
	p := clients.Node(t, "simple-whip-server", dir, "server.js", "DEBUG=whip:*,janus:*")
	p.WaitTCP(t, fmt.Sprint("127.0.0.1:", port))
	return fmt.Sprintf("http://127.0.0.1:%d/whip", port)
}

// noUPnP stands in for libnice's UPnP, which is not used: it brings libsoup 3, and Debian 12's client, which is linked
// against libsoup 2, does not start with both.
const noUPnP = `
unsigned long gupnp_simple_igd_get_type(void) { return 0; }
void *gupnp_simple_igd_thread_new(void) { return 0; }
void gupnp_simple_igd_add_port(void) {}
void gupnp_simple_igd_remove_port_local(void) {}
`

// startWHIPClient has Debian's simple-whip-client send a test picture and a tone.
func startWHIPClient(t *testing.T, url, token string) *proc.Process {
	t.Helper()
	dir := t.TempDir()
	source, library := filepath.Join(dir, "igd.c"), filepath.Join(dir, "libgupnp-igd-1.0.so.4")
	if err := os.WriteFile(source, []byte(noUPnP), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.CommandContext(t.Context(), "gcc", "-shared", "-fPIC", "-Wl,-soname,"+filepath.Base(library), "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, b)
	}
	set := func(cmd *exec.Cmd) {
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir, "GST_REGISTRY="+filepath.Join(dir, "registry"))
	}
	return proc.StartWith(t, "whip-client", set, "whip-client", "--url", url, "--token", token, "--log-level", "7", "--disable-colors",
		"--audio", "audiotestsrc is-live=true wave=red-noise ! audioconvert ! audioresample ! queue ! opusenc ! rtpopuspay pt=100 ssrc=1 ! "+
			"queue ! application/x-rtp,media=audio,encoding-name=OPUS,payload=100",
		"--video", "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! videoconvert ! queue ! "+
			"vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96 ssrc=2 ! queue ! application/x-rtp,media=video,encoding-name=VP8,payload=96")
}

// TestWHIP has a GStreamer client publish into a room by way of a WHIP server, and a browser watch.
func TestWHIP(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t, "--forward-to", "127.0.0.0/8")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	conn, session, handle := attach(ctx, t, s.URL, "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{"request": "create", "room": 8010, "publishers": 6})
	whip := startWHIP(t, s.URL)
	body, err := json.Marshal(map[string]any{"id": "studio", "room": 8010, "label": "studio", "token": "verysecret",
		"recipient": map[string]any{"host": "127.0.0.1", "audioPort": proc.FreePort(t), "videoPort": proc.FreePort(t)}})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(whip+"/create", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}

	tab := chrome.Start(t).Open(t, "viewer", demos.Serve(t, s.URL)+"/mvideoroomtest.html?room=8010")
	tab.Click("#start")
	tab.Type("#username", "viewer")
	tab.Click("#register")
	client := startWHIPClient(t, whip+"/endpoint/studio", "verysecret")
	tab.WaitVideos(2, 60*time.Second) // its own and the studio's
	tab.WaitMoreFrames(2, 20*time.Second)
	tab.WaitFor("the picture's size", `[...document.querySelectorAll('video')].some(v => v.videoWidth === 320 && v.videoHeight === 240)`, 20*time.Second)
	tab.WaitFor("its name", `document.body.innerText.includes('studio')`, 20*time.Second)
	tab.Screenshot("studio")

	forwarders := must(ctx, t, conn, session, handle, janus.Object{"request": "listforwarders", "room": 8010})
	if n := bytes.Count(forwarders.Raw, []byte(`"stream_id"`)); n != 2 {
		t.Errorf("%d streams are forwarded to the recipient, want 2: %s", n, forwarders.Raw)
	}
	client.Signal(syscall.SIGINT) // it deletes its resource
	tab.WaitFor("the studio's leave", `!document.body.innerText.includes('studio')`, 40*time.Second)
}
