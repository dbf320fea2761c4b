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

// twoTabs has two tabs call each other on the multistream demo page with this query.
func twoTabs(t *testing.T, server, query string) (first, second *chrome.Tab) {
	t.Helper()
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 2 {
		tab := browser.Open(t, fmt.Sprint("tab", i), demos.Serve(t, server)+"/mvideoroomtest.html?"+query)
		tab.Click("#start")
		tab.Type("#username", fmt.Sprint("tab", i))
		tab.Click("#register")
		tabs = append(tabs, tab)
	}
	for _, tab := range tabs {
		tab.WaitVideos(2, 40*time.Second)
	}
	return tabs[0], tabs[1]
}

// TestCodecs makes a call with each codec. Pictures must be decoded, and sound too: its energy must grow.
func TestCodecs(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, session, handle := attach(ctx, t, s.URL, "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{
		"request": "create", "room": 8001, "publishers": 6, "videocodec": "vp8,vp9,h264,av1", "audiocodec": "opus,pcmu,pcma,g722",
	})
	for _, c := range []struct{ video, audio string }{{"vp8", "opus"}, {"vp9", "pcmu"}, {"h264", "pcma"}, {"av1", "g722"}} {
		t.Run(c.video+" "+c.audio, func(t *testing.T) {
			tab, other := twoTabs(t, s.URL, fmt.Sprintf("room=8001&vcodec=%s&acodec=%s", c.video, c.audio))
			await := func(what string) {
				tab.WaitFor(what, fmt.Sprintf(`(async () => {
					const pc = remoteFeed.webrtcStuff.pc;
					const report = await pc.getStats();
					const codec = s => report.get(s.codecId)?.mimeType.toLowerCase();
					const inbound = [...report.values()].filter(s => s.type === 'inbound-rtp');
					const picture = inbound.find(s => codec(s) === 'video/%s'), sound = inbound.find(s => codec(s) === 'audio/%s');
					const heard = globalThis.heard ?? {frames: 0, energy: 0};
					if (!(picture?.framesDecoded > heard.frames + 20 && sound?.totalAudioEnergy > heard.energy)) return false;
					globalThis.heard = {frames: picture.framesDecoded, energy: sound.totalAudioEnergy};
					return true;
				})()`, c.video, c.audio), 20*time.Second)
			}
			await("pictures and sound in the codecs asked for")
			chrome.Eval[bool](other, `new Promise((done, failed) => sfutest.createOffer({iceRestart: true, error: failed, success: jsep => {
				const before = sfutest.webrtcStuff.pc.remoteDescription.sdp;
				sfutest.send({message: {request: 'configure'}, jsep});
				const look = setInterval(() => {
					if (sfutest.webrtcStuff.pc.remoteDescription.sdp === before) return;
					clearInterval(look);
					done(true);
				}, 50);
			}}))`)
			await("the same after an ICE restart that names no codec")
		})
	}
}

// TestSimulcastByDemoPage chooses layers with the demo page's buttons, which turn green when the server says so.
func TestSimulcastByDemoPage(t *testing.T) {
	t.Parallel()
	tab, _ := twoTabs(t, cluster.StartStandalone(t).URL, "simulcast=true")
	choose := func(button, what, width string) {
		t.Helper()
		press(tab, button)
		tab.WaitFor(what, fmt.Sprintf(`document.querySelector('%s').classList.contains('btn-success') &&
			[...document.querySelectorAll('video')].some(v => v.id.startsWith('remotevideo') && v.videoWidth %s)`, button, width), 30*time.Second)
		tab.WaitMoreFrames(2, 20*time.Second)
	}
	choose("#sl1-0", "the lowest layer", "<= 320")
	tab.Screenshot("lowest")
	choose("#sl1-2", "the highest layer", "> 640")
	tab.Screenshot("highest")
	press(tab, "#tl1-0")
	tab.WaitFor("the lowest temporal layer", `document.querySelector('#tl1-0').classList.contains('btn-success')`, 20*time.Second)
}

// press clicks a button that one of the page's notices may lie upon.
func press(tab *chrome.Tab, selector string) {
	chrome.Eval[bool](tab, fmt.Sprintf(`(document.querySelector('%s').click(), true)`, selector))
}
