//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// screenSharingDemo has a tab share its screen and another watch it; each uses the next of the servers.
func screenSharingDemo(t *testing.T, servers ...string) {
	browser := chrome.Start(t)
	presenter := browser.Open(t, "presenter", demos.Serve(t, servers[0])+"/screensharingtest.html")
	presenter.Click("#start")
	presenter.Type("#desc", "slides")
	presenter.Click("#create")
	presenter.WaitFor("the session's number", `/^\d+$/.test(document.querySelector('#session').innerText) && document.body.innerText.includes('just started')`, 40*time.Second)
	room := chrome.Eval[string](presenter, `document.querySelector('#session').innerText`)
	if got := chrome.Eval[string](presenter, `document.querySelector('#title').innerText`); got != "slides" {
		t.Errorf("the session is called %q", got)
	}
	viewer := browser.Open(t, "viewer", demos.Serve(t, servers[1%len(servers)])+"/screensharingtest.html")
	viewer.Click("#start")
	viewer.Type("#roomid", room)
	viewer.Click("#join")
	viewer.WaitVideos(1, 40*time.Second)
	viewer.WaitMoreFrames(1, 20*time.Second)
	viewer.Screenshot("screen")
	chrome.Eval[bool](presenter, `(screentest.detach(), true)`)
	viewer.WaitFor("the session's end", `document.body.innerText.includes('the publisher left')`, 20*time.Second)
}

// svcDemo has two tabs send all layers of VP9 in one stream, and one of them choose among them by the page's buttons.
func svcDemo(t *testing.T, servers ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, session, handle := attach(ctx, t, servers[0], "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{"request": "create", "room": 5678, "publishers": 6, "videocodec": "vp9", "video_svc": true})
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 2 {
		name := fmt.Sprint("layers", i)
		tab := browser.Open(t, name, demos.Serve(t, servers[i%len(servers)])+"/vp9svctest.html")
		chrome.Eval[bool](tab, `(window.doSimulcast = false, true)`) // the page reads it, and Debian's does not set it
		tab.Click("#start")
		tab.Type("#username", name)
		tab.Click("#register")
		tabs = append(tabs, tab)
	}
	for _, tab := range tabs {
		tab.WaitVideos(2, 40*time.Second) // its own and the other's
		// The page counts on a flag that Chromium has given up: its sender has to be told instead.
		chrome.Eval[bool](tab, `(async () => {
			const sender = sfutest.webrtcStuff.pc.getSenders().find(s => s.track?.kind === 'video');
			const parameters = sender.getParameters();
			parameters.encodings[0].scalabilityMode = 'L2T3_KEY';
			await sender.setParameters(parameters);
			return true;
		})()`)
	}
	tab := tabs[0]
	button := func(b string) string {
		return fmt.Sprintf(`document.querySelector('#%s')?.classList.contains('btn-success')`, b)
	}
	tab.WaitFor("the buttons", button("sl1-1")+" && "+button("tl1-2"), 60*time.Second)
	for i, height := range []int{240, 480} {
		layer := fmt.Sprint("sl1-", i)
		tab.Click("#" + layer)
		tab.WaitFor(layer, fmt.Sprintf(`%s && document.querySelector('#videoremote1 video').videoHeight === %d`, button(layer), height), 40*time.Second)
		tab.WaitMoreFrames(2, 20*time.Second)
	}
	chrome.Eval[bool](tab, `(document.querySelector("#tl1-0").click(), true)`) // which hangs over the picture
	tab.WaitFor("the lowest temporal layer", button("tl1-0"), 20*time.Second)
	tab.Screenshot("svc")
}

// encryptionDemo sends media that only the page can read, and has them back unharmed.
func encryptionDemo(t *testing.T, server, query string) {
	tab := chrome.Start(t).Open(t, "encrypted", demos.Serve(t, server)+"/e2etest.html"+query)
	tab.Click("#start")
	tab.Type(".bootbox-input-text", "mysecret")
	tab.Click(".bootbox-accept")
	tab.WaitVideos(2, 40*time.Second)
	tab.WaitMoreFrames(2, 20*time.Second)
	tab.WaitFor("sound", `[...document.querySelectorAll('#videoright audio')].some(a => a.currentTime > 1)`, 20*time.Second)
	tab.Type("#datasend", "hidden")
	chrome.Eval[bool](tab, `(sendData(), true)`)
	tab.WaitFor("the text", `document.querySelector('#datarecv').value.endsWith('hidden')`, 20*time.Second)
	tab.Screenshot("encrypted")
}

// deviceDemo changes the camera under a call that goes on.
func deviceDemo(t *testing.T, server string) {
	tab := chrome.Start(t, "use-fake-device-for-media-stream=device-count=2").Open(t, "devices", demos.Serve(t, server)+"/devicetest.html")
	tab.Click("#start")
	tab.WaitFor("a choice of devices", `document.querySelectorAll('#video-device option').length === 2`, 20*time.Second)
	for i := range 2 {
		chrome.Eval[int](tab, fmt.Sprintf(`(document.querySelector('#audio-device').selectedIndex = document.querySelector('#video-device').selectedIndex = %d)`, i))
		tab.Click("#change-devices")
		tab.WaitFor(fmt.Sprint("camera ", i), `echotest.webrtcStuff.pc?.getSenders().some(s => s.track?.getSettings().deviceId === document.querySelector('#video-device').value)`, 40*time.Second)
		tab.WaitVideos(2, 40*time.Second)
		tab.WaitMoreFrames(2, 20*time.Second)
	}
	tab.Screenshot("devices")
}

func TestMediaDemoPagesOnStandalone(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t)
	t.Run("screen sharing", func(t *testing.T) { screenSharingDemo(t, s.URL) })
	t.Run("SVC", func(t *testing.T) { svcDemo(t, s.URL) })
	t.Run("encryption", func(t *testing.T) { encryptionDemo(t, s.URL, "") })
	t.Run("encryption of simulcast", func(t *testing.T) { encryptionDemo(t, s.URL, "?simulcast=true") })
	t.Run("devices", func(t *testing.T) { deviceDemo(t, s.URL) })
}
