//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// TestSubscribersOfADeadNodeAreOfferedAnother kills a node of whose peers nothing is kept, with the subscribers of a call of three
// on it, and then has one end whose endpoints take no candidate of another: each subscriber is sent an offer, as if something in the room
// had changed, which Janus's page answers, and sees and hears all again.
func TestSubscribersOfADeadNodeAreOfferedAnother(t *testing.T) {
	t.Setenv("CARDEA_KEEP_PEERS", "false")
	a, tabs := watchedCall(t)
	awaitPeersOn(t, a.Admins[0], "media-0", 6)
	moveSubscribers(t, a, "media-1")
	offeredAnew(t, tabs, "killed", a.Nodes[1].Kill)
	awaitPeersOn(t, a.Admins[0], "media-0", 6)
	moveSubscribers(t, a, "media-2")
	for _, tab := range tabs {
		chrome.Eval[bool](tab, "(RTCPeerConnection.prototype.addIceCandidate = async () => {}, true)")
	}
	offeredAnew(t, tabs, "ended", a.Nodes[2].Stop)
}

// moveSubscribers moves those of a call of three to another node than its publishers'.
func moveSubscribers(t *testing.T, a *cluster.Apart, node string) {
	t.Helper()
	const subscribers = 3
	for _, session := range administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any) {
		at := fmt.Sprint(a.Admins[0], "/", session)
		for _, handle := range administer(t, at, "list_handles", "")["handles"].([]any) {
			info, _ := administer(t, fmt.Sprint(at, "/", handle), "handle_info", "")["info"].(map[string]any)
			if of, _ := info["plugin_specific"].(map[string]any); of["type"] != "subscriber" {
				continue
			}
			if answer := administer(t, fmt.Sprint(at, "/", handle), "move_handle", fmt.Sprintf(`,"node":%q`, node)); answer["janus"] != "success" {
				t.Fatalf("not moved: %v", answer)
			}
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		on := peersOn(t, a.Admins[0])
		if on[node] == subscribers && on["media-0"] == 6-subscribers { // those on their way are on both
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("peers are on %v", on)
		}
	}
}

// offeredAnew has the node go that subscribers are on.
func offeredAnew(t *testing.T, tabs []*chrome.Tab, what string, lose func()) {
	t.Helper()
	for _, tab := range tabs {
		chrome.Eval[bool](tab, "watch.reset() ?? true")
	}
	lose()
	for i, tab := range tabs {
		await := func(thing string, ok func(w watched) bool) (w watched) {
			t.Helper()
			for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(100 * time.Millisecond) {
				if w = chrome.Eval[watched](tab, readWatch); ok(w) {
					return w
				}
				if time.Now().After(deadline) {
					tab.Screenshot("failed")
					t.Fatalf("%s, tab %d: no %s: %+v", what, i, thing, w)
				}
			}
		}
		await("offer and answer", func(w watched) bool { return w.JSEPs > 0 && w.SDPs > 1 })
		chrome.Eval[bool](tab, "(watch.flows = {}, true)") // what counts comes by the new connection
		w := await("media", func(w watched) bool { return w.Video.Going == 2 && w.Audio.Going == 2 })
		if w.Hangups > 0 || w.JSEPs != 1 || w.SDPs != 2 {
			t.Errorf("%s, tab %d: %d hangups; %d descriptions sent, and %d set, where an offer and its answer would do", what, i, w.Hangups, w.JSEPs, w.SDPs)
		}
		tab.Screenshot("offered anew, " + what)
	}
}
