//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// aiortcExample is aiortc's client of Janus over HTTP with long polls, as Debian installs it.
const aiortcExample = "/usr/share/doc/python3-aiortc/examples/janus/janus.py"

// TestAiortc has aiortc's example publish, and record what a browser publishes in the same room, both over HTTP. In a text room, aiortc
// opens channels of its own on streams that by RFC 8832 are ours, beside which there are ours.
func TestAiortc(t *testing.T) {
	t.Parallel()
	// aiortc leaves out loopback, and a node that is asked at one address of its machine must not answer from another.
	s := cluster.StartStandalone(t, "--advertise", ownAddress(t))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	textRoom := filepath.Join(proc.Root(t), "e2e", "clients", "textroom.py")
	if b, err := exec.CommandContext(ctx, "/usr/bin/python3", textRoom, s.HTTP).CombinedOutput(); err != nil {
		t.Errorf("text room: %v\n%s", err, b)
	}
	conn, session, handle := attach(ctx, t, s.URL, "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{"request": "create", "room": 8011, "publishers": 6, "videocodec": "vp8"})
	tab := chrome.Start(t).Open(t, "browser", demos.Serve(t, s.HTTP)+"/mvideoroomtest.html?room=8011")
	tab.Click("#start")
	tab.Type("#username", "browser")
	tab.Click("#register")
	tab.WaitFor("media", `sfutest?.webrtcStuff.pc?.connectionState === 'connected'`, 40*time.Second)

	recorded := filepath.Join(t.TempDir(), "recorded.mp4")
	set := func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1") }
	// Debian's Python, whatever else there is in PATH.
	client := proc.StartWith(t, "aiortc", set, "/usr/bin/python3", aiortcExample, s.HTTP, "--room", "8011", "--record-to", recorded, "--verbose")
	tab.WaitVideos(2, 60*time.Second) // its own and aiortc's
	tab.WaitMoreFrames(2, 30*time.Second)
	tab.WaitFor("its name", `document.body.innerText.includes('aiortc')`, 20*time.Second)
	tab.Screenshot("aiortc")
	if !client.Running() {
		t.Error("aiortc has ended")
	}
	// It finishes its file, then destroys its session, then closes its PeerConnections; that, it does not always come to an end
	// with where the other side closes them too.
	client.Signal(syscall.SIGINT)
	tab.WaitFor("aiortc's leave", `!document.body.innerText.includes('aiortc')`, 40*time.Second)

	b, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets", "-of", "json", recorded).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	var probed struct {
		Streams []struct {
			Type    string `json:"codec_type"`
			Packets string `json:"nb_read_packets"`
		}
	}
	if err := json.Unmarshal(b, &probed); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, s := range probed.Streams {
		kinds[s.Type], _ = strconv.Atoi(s.Packets)
	}
	if kinds["audio"] < 20 || kinds["video"] < 20 {
		t.Errorf("recorded %v", kinds)
	}
	t.Logf("recorded packets: %v", kinds)
}

// ownAddress returns an address of this machine that is not on loopback.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil || i.Flags&net.FlagRunning == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
				return n.IP.String()
			}
		}
	}
	t.Fatal("this machine has no address but on loopback")
	return ""
}
