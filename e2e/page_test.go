//go:build e2e

package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// TestPage uses standalone's own page as people would: join, see each other, share a screen, mute, leave.
func TestPage(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t)
	browser := chrome.Start(t)
	join := func(name string) *chrome.Tab {
		tab := browser.Open(t, name, s.Page)
		tab.Type("#name", name)
		tab.Click("#join")
		return tab
	}
	al, bo := join("Al"), join("Bo")
	for _, tab := range []*chrome.Tab{al, bo} {
		tab.WaitVideos(2, 40*time.Second)
		tab.WaitMoreFrames(2, 20*time.Second)
		tab.Screenshot("two")
	}

	// The picture that everyone shares is a canvas: headless browsers have no screen to capture.
	chrome.Eval[bool](bo, `(() => {
		const canvas = Object.assign(document.createElement('canvas'), {width: 640, height: 360});
		const c = canvas.getContext('2d');
		let n = 0;
		setInterval(() => { c.fillStyle = 'hsl(' + (n += 3) + ',60%,40%)'; c.fillRect(0, 0, 640, 360); }, 40);
		navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(25);
		return true;
	})()`)
	for range 2 { // the second time the browser uses the m= section of the first again
		bo.Click("#screen")
		al.WaitVideos(3, 30*time.Second)
		al.Screenshot("screen")
		bo.Click("#screen")
		al.WaitFor("the screen to go", `document.querySelectorAll('.tile').length === 2`, 20*time.Second)
	}

	const heard = `(async () => {
		const energy = async () => { let e = 0; for (const s of (await room.stats()).inbound.values()) if (s.kind === 'audio' && s.totalAudioEnergy) e += s.totalAudioEnergy; return e; };
		const before = await energy();
		await new Promise(r => setTimeout(r, 1500));
		return (await energy()) - before > 1e-6;
	})()`
	al.WaitFor("Bo to be heard", heard, 20*time.Second)
	bo.Click("#mic")
	al.WaitFor("Bo to be muted", heard+`.then(h => !h)`, 20*time.Second)
	bo.Screenshot("muted")

	bo.Click("#leave")
	al.WaitFor("Bo to be gone", `document.querySelectorAll('.tile').length === 1`, 20*time.Second)
	bo.WaitFor("the door", `!document.getElementById('door').hidden`, 10*time.Second)
	al.Screenshot("alone")
	if errors := chrome.Eval[string](al, `document.querySelector('#status.error')?.textContent ?? ''`); errors != "" {
		t.Error(fmt.Sprint("the page complains: ", errors))
	}
}

// TestPageAfterTheLossOfANode kills the node that a call is on, and the one that could save it: the page publishes again by
// itself, on another node.
func TestPageAfterTheLossOfANode(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	page := a.ServePage(t)
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for _, name := range []string{"Al", "Bo"} {
		tab := browser.Open(t, name, page)
		tab.Type("#name", name)
		tab.Click("#join")
		tabs = append(tabs, tab)
	}
	for _, tab := range tabs {
		tab.WaitVideos(2, 40*time.Second)
	}
	a.KillNodes(t)
	for _, tab := range tabs {
		tab.WaitFor("a connection to the other node", `(async () => {
			if (room.lostAt === undefined) room.lostAt = performance.now();
			const {outbound, inbound} = await room.stats();
			const sent = [...outbound.values()].filter(s => s.type === 'outbound-rtp' && s.kind === 'video' && s.framesSent > 20);
			const at = [...inbound.values()].filter(s => s.type === 'inbound-rtp' && s.kind === 'video').map(s => s.lastPacketReceivedTimestamp);
			return sent.length > 0 && performance.now() - room.lostAt > 8000 && at.some(t => Date.now() - t < 1000);
		})()`, 60*time.Second)
		tab.WaitMoreFrames(2, 30*time.Second)
		tab.Screenshot("again")
	}
}

// TestPageAfterAnOutage stops the server for longer than endpoints' checks are waited for: both ends take the other for
// gone, and the page makes all its connections anew.
func TestPageAfterAnOutage(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t, "--session-timeout", "2m")
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for _, name := range []string{"Al", "Bo"} {
		tab := browser.Open(t, name, s.Page)
		tab.Type("#name", name)
		tab.Click("#join")
		tabs = append(tabs, tab)
	}
	for _, tab := range tabs {
		tab.WaitVideos(2, 40*time.Second)
	}
	s.Signal(syscall.SIGSTOP)
	time.Sleep(33 * time.Second)
	s.Signal(syscall.SIGCONT)
	for _, tab := range tabs {
		tab.WaitFor("pictures of the other again", `(async () => {
			const {outbound, inbound} = await room.stats();
			const sent = [...outbound.values()].some(s => s.type === 'outbound-rtp' && s.kind === 'video' && s.framesSent > 0);
			return sent && [...inbound.values()].some(s => s.type === 'inbound-rtp' && s.kind === 'video' && Date.now() - s.lastPacketReceivedTimestamp < 1000);
		})()`, 60*time.Second)
		tab.WaitMoreFrames(2, 30*time.Second)
		tab.Screenshot("again")
	}
}
