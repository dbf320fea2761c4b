//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// TestCascade has what Chromium publishes at one server watched at another, by the requests for remote publishers: from Janus to
// Cardea, from Cardea to Janus, and between two Cardeas, there by SRTP.
func TestCascade(t *testing.T) {
	t.Parallel()
	cardea := func(t *testing.T) string {
		return cluster.StartStandalone(t, "--forward-to", "127.0.0.0/8", "--remote-from", "127.0.0.0/8", "--remote-ports", "21000-21999").URL
	}
	oracle := func(t *testing.T) string { return cluster.StartJanus(t) }
	const key = "WbTBosdVUZqEb6Htqhn+m3z7wUh4RJVR8nE15GbN"
	for name, c := range map[string]struct {
		near, far func(*testing.T) string
		crypto    janus.Object
	}{
		"from Janus":    {oracle, cardea, nil},
		"to Janus":      {cardea, oracle, nil},
		"among Cardeas": {cardea, cardea, janus.Object{"srtp_suite": 80, "srtp_crypto": key}},
	} {
		t.Run(name, func(t *testing.T) { cascade(t, c.near(t), c.far(t), c.crypto) })
	}
}

func cascade(t *testing.T, near, far string, crypto janus.Object) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	nearConn, nearSession, nearHandle := attach(ctx, t, near, "janus.plugin.videoroom")
	farConn, farSession, farHandle := attach(ctx, t, far, "janus.plugin.videoroom")
	create := janus.Object{"request": "create", "room": 8005, "publishers": 6, "videocodec": "vp8"}
	must(ctx, t, nearConn, nearSession, nearHandle, create)
	must(ctx, t, farConn, farSession, farHandle, create)

	browser := chrome.Start(t)
	publisher := browser.Open(t, "publisher", demos.Serve(t, near)+"/mvideoroomtest.html?room=8005")
	join := func(tab *chrome.Tab, as string) {
		tab.Click("#start")
		tab.Type("#username", as)
		tab.Click("#register")
	}
	join(publisher, "publisher")
	publisher.WaitVideos(1, 40*time.Second)
	id := json.Number(strconv.FormatInt(chrome.Eval[int64](publisher, `myid`), 10))
	publisher.WaitFor("media", `sfutest.webrtcStuff.pc.connectionState === 'connected'`, 30*time.Second)
	watcher := browser.Open(t, "watcher", demos.Serve(t, far)+"/mvideoroomtest.html?room=8005")
	join(watcher, "watcher")
	watcher.WaitVideos(1, 40*time.Second)

	with := func(body janus.Object) janus.Object {
		for k, v := range crypto {
			body[k] = v
		}
		return body
	}
	added := must(ctx, t, farConn, farSession, farHandle, with(janus.Object{
		"request": "add_remote_publisher", "room": 8005, "id": 77, "display": "far away",
		"streams": []janus.Object{
			{"type": "audio", "mindex": 0, "mid": "0", "codec": "opus"}, {"type": "video", "mindex": 1, "mid": "1", "codec": "vp8"},
		},
	}))
	var at struct {
		Port int `json:"port"`
		RTCP int `json:"rtcp_port"`
	}
	if err := json.Unmarshal(added.Plugin.Data, &at); err != nil || at.Port == 0 || at.RTCP == 0 {
		t.Fatalf("%s", added.Plugin.Data)
	}
	sent := must(ctx, t, nearConn, nearSession, nearHandle, with(janus.Object{
		"request": "publish_remotely", "room": 8005, "publisher_id": id, "remote_id": "far", "host": "127.0.0.1",
		"port": at.Port, "rtcp_port": at.RTCP,
	}))
	var done struct {
		VideoRoom string `json:"videoroom"`
	}
	if err := json.Unmarshal(sent.Plugin.Data, &done); err != nil || done.VideoRoom != "success" {
		t.Fatalf("%s", sent.Plugin.Data)
	}
	watcher.WaitVideos(2, 60*time.Second)

	if crypto != nil { // who publishes again goes on, under a key that has been used
		publisher.Click("#unpublish")
		publisher.Click("#publish")
		publisher.WaitFor("media again", `sfutest.webrtcStuff.pc?.connectionState === 'connected'`, 40*time.Second)
		watcher.WaitMoreFrames(2, 60*time.Second)
		listed := must(ctx, t, nearConn, nearSession, nearHandle, janus.Object{"request": "listremotes", "room": 8005, "publisher_id": id})
		if !strings.Contains(string(listed.Plugin.Data), `"remote_id":"far"`) {
			t.Errorf("remotizations %s", listed.Plugin.Data)
		}
	}
	must(ctx, t, farConn, farSession, farHandle, janus.Object{"request": "remove_remote_publisher", "room": 8005, "id": 77})
	watcher.WaitFor("the end", `![...document.querySelectorAll('video')].some(v => v.id.startsWith('remotevideo'))`, 40*time.Second)
}
