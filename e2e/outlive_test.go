//go:build e2e

package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
)

// The gap in media that the loss of a node may make, by the issue, and how much more a machine may take on which browsers,
// their encoders and all services share two noisy cores with other work.
const (
	killedGap  = 2 * time.Second
	stoppedGap = 6 * time.Second // it takes so long to tell a stopped node from a slow one
	slack      = 3
)

// watchMedia has a page note what its connections do, before it makes any. The page itself stays as it is.
const watchMedia = `(() => {
	const watch = window.watch = {pcs: [], sdps: 0, hangups: 0, jseps: 0, flows: {}, candidates: 0, states: []}
	const PC = window.RTCPeerConnection
	window.RTCPeerConnection = function (...args) {
		const pc = new PC(...args)
		watch.pcs.push(pc)
		pc.addEventListener('connectionstatechange', () => watch.states.push(pc.connectionState))
		for (const name of ['setLocalDescription', 'setRemoteDescription']) {
			const call = pc[name].bind(pc)
			pc[name] = (...args) => { watch.sdps++; return call(...args) }
		}
		return pc
	}
	window.RTCPeerConnection.prototype = PC.prototype
	Object.setPrototypeOf(window.RTCPeerConnection, PC)
	const listen = EventTarget.prototype.addEventListener
	WebSocket.prototype.addEventListener = function (type, f, ...args) { // the page has kept the constructor
		if (type === 'message') {
			listen.call(this, type, event => {
				const message = JSON.parse(event.data)
				watch.hangups += message.janus === 'hangup'
				watch.candidates += message.janus === 'trickle'
				watch.jseps += 'jsep' in message
			})
		}
		return listen.call(this, type, f, ...args)
	}
	watch.reset = () => { watch.flows = {}; watch.sdps = watch.hangups = watch.jseps = watch.candidates = 0; watch.states = [] }
	const look = async () => {
		for (const [i, pc] of watch.pcs.entries()) {
			if (pc.connectionState === 'closed') continue
			for (const s of (await pc.getStats()).values()) {
				if (s.type !== 'inbound-rtp') continue
				const count = s.kind === 'video' ? s.framesDecoded ?? 0 : s.packetsReceived, now = performance.now()
				const flow = watch.flows[i + '/' + s.ssrc] ??= {kind: s.kind, count, at: now, gap: 0, more: 0}
				if (count > flow.count) {
					flow.gap = Math.max(flow.gap, now - flow.at)
					flow.more += count - flow.count
					flow.count = count
					flow.at = now
				}
				flow.now = now
			}
		}
		setTimeout(look, 30)
	}
	look()
	return true
})()`

// watched is what watchMedia has seen.
type watched struct {
	SDPs, Hangups, JSEPs, Candidates int
	States                           []string
	Video, Audio                     flows
}

type flows struct {
	N, Least  int     // of streams, and the frames or packets of the one with the fewest
	Going     int     // of streams that have brought 60 and bring more
	Gap, Open float64 // the longest, and the one that lasts still, in ms
}

const readWatch = `(() => {
	const of = kind => {
		const all = Object.values(watch.flows).filter(f => f.kind === kind)
		const going = all.filter(f => f.more > 60 && f.now - f.at < 1000)
		return {N: all.length, Going: going.length, Least: Math.min(...all.map(f => f.more), 1e9), Gap: Math.max(0, ...all.map(f => f.gap)), Open: Math.max(0, ...all.map(f => f.now - f.at))}
	}
	return {SDPs: watch.sdps, Hangups: watch.hangups, JSEPs: watch.jseps, Candidates: watch.candidates, States: watch.states, Video: of('video'), Audio: of('audio')}
})()`

// watchedCall is three tabs of the demo page in a call, all of whose peers are on the first of three nodes.
func watchedCall(t *testing.T) (*cluster.Apart, []*chrome.Tab) {
	t.Helper()
	a := cluster.StartApart(t)
	a.AddNode(t)
	awaitNodes(t, a, 3)
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 3 {
		tab := browser.Open(t, fmt.Sprint("tab", i), demos.Serve(t, a.URLs[i%len(a.URLs)])+"/mvideoroomtest.html")
		chrome.Eval[bool](tab, watchMedia)
		tab.Click("#start")
		tab.Type("#username", fmt.Sprint("tab", i))
		tab.Click("#register")
		tabs = append(tabs, tab)
	}
	for _, tab := range tabs {
		tab.WaitVideos(3, 60*time.Second)
	}
	return a, tabs
}

func awaitNodes(t *testing.T, a *cluster.Apart, n int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(peersOn(t, a.Admins[0])) < n; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nodes: %v", peersOn(t, a.Admins[0]))
		}
	}
}

// outlives has the calls lose a node, and sees that all goes on, with no gap longer than most.
func outlives(t *testing.T, tabs []*chrome.Tab, what string, most time.Duration, lose func()) {
	t.Helper()
	for _, tab := range tabs {
		chrome.Eval[bool](tab, "watch.reset() ?? true")
	}
	time.Sleep(2 * time.Second) // what flows is known then
	lose()
	for i, tab := range tabs {
		// Two videos and two sounds, and after the gap each has gone on for a while.
		var w watched
		for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			w = chrome.Eval[watched](tab, readWatch)
			if w.Video.N >= 2 && w.Audio.N >= 2 && max(w.Video.Open, w.Audio.Open) < 500 &&
				max(w.Video.Gap, w.Audio.Gap) > 300 && w.Video.Least > 60 {
				break
			}
			if time.Now().After(deadline) {
				tab.Screenshot("failed")
				t.Fatalf("%s, tab %d: media does not go on: %+v", what, i, w)
			}
		}
		t.Logf("%s, tab %d: longest gap of pictures %.0f ms, of sound %.0f ms (%d and %d streams); limit %v, times %d on a busy machine",
			what, i, w.Video.Gap, w.Audio.Gap, w.Video.N, w.Audio.N, most, slack)
		if gap := time.Duration(max(w.Video.Gap, w.Audio.Gap)) * time.Millisecond; gap > slack*most {
			t.Errorf("%s, tab %d: a gap of %v", what, i, gap)
		}
		if w.Hangups+w.SDPs+w.JSEPs > 0 {
			t.Errorf("%s, tab %d: %d hangups, %d descriptions set, %d sent", what, i, w.Hangups, w.SDPs, w.JSEPs)
		}
		tab.Screenshot(what)
	}
}

// TestACallOutlivesItsNode kills the node that has a call of three, and then the one that it goes on with: pictures and sound go
// on from another, and the pages, which are Janus's as they are, do not notice. At last the call is on two nodes.
func TestACallOutlivesItsNode(t *testing.T) {
	t.Parallel()
	const peers = 6
	a, tabs := watchedCall(t)
	awaitPeersOn(t, a.Admins[0], "media-0", peers)
	for i := range 3 {
		name := fmt.Sprint("media-", i)
		a.WaitKept(t, peers)
		outlives(t, tabs, name+" killed", killedGap, a.Nodes[i].Kill)
		awaitPeersOn(t, a.Admins[0], fmt.Sprint("media-", i+1), peers)
		a.AddNode(t)
		awaitNodes(t, a, 3)
	}

	session := administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any)[0]
	at := fmt.Sprint(a.Admins[0], "/", session)
	for _, handle := range administer(t, at, "list_handles", "")["handles"].([]any) {
		if answer := administer(t, fmt.Sprint(at, "/", handle), "move_handle", `,"node":"media-5"`); answer["janus"] != "success" {
			t.Fatalf("not moved: %v", answer)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); peersOn(t, a.Admins[0])["media-5"] != 2; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("peers are on %v", peersOn(t, a.Admins[0]))
		}
	}
	a.WaitKept(t, peers)
	outlives(t, tabs, "media-3 killed", killedGap, a.Nodes[3].Kill)
	if on := peersOn(t, a.Admins[0]); on["media-5"] < 2 || on["media-4"]+on["media-5"] != peers {
		t.Errorf("peers are on %v", on)
	}
}

// TestAStoppedNodeStaysQuietWhenItWakes stops a node until its calls are on others, and lets it go on: it finds that it counts as
// dead, and ends without a word.
func TestAStoppedNodeStaysQuietWhenItWakes(t *testing.T) {
	t.Parallel()
	const peers = 6
	a, tabs := watchedCall(t)
	awaitPeersOn(t, a.Admins[0], "media-0", peers)
	a.WaitKept(t, peers)
	outlives(t, tabs, "media-0 stopped", stoppedGap, func() { a.Nodes[0].Signal(syscall.SIGSTOP) })
	awaitPeersOn(t, a.Admins[0], "media-1", peers)
	time.Sleep(2 * time.Second)
	for _, tab := range tabs {
		chrome.Eval[bool](tab, "watch.reset() ?? true")
	}
	a.Nodes[0].Signal(syscall.SIGCONT)
	a.Nodes[0].WaitEnd(t, 20*time.Second)
	time.Sleep(2 * time.Second)
	for i, tab := range tabs {
		w := chrome.Eval[watched](tab, readWatch)
		if w.Hangups+w.SDPs+w.JSEPs > 0 || w.Video.Least < 10 {
			t.Errorf("tab %d: %+v", i, w)
		}
	}
	awaitPeersOn(t, a.Admins[0], "media-1", peers)
}
