//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
)

// TestSubscribersOfADeadNodeAreOfferedAnother kills a node of whose peers nothing is kept, with the subscribers of a call of three
// on it: each is sent an offer, as if something in the room had changed, which Janus's page answers, and sees and hears all again.
func TestSubscribersOfADeadNodeAreOfferedAnother(t *testing.T) {
	t.Setenv("CARDEA_KEEP_PEERS", "false")
	a, tabs := watchedCall(t)
	awaitPeersOn(t, a.Admins[0], "media-0", 6)
	const subscribers = 3
	for _, session := range administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any) {
		at := fmt.Sprint(a.Admins[0], "/", session)
		for _, handle := range administer(t, at, "list_handles", "")["handles"].([]any) {
			info, _ := administer(t, fmt.Sprint(at, "/", handle), "handle_info", "")["info"].(map[string]any)
			if of, _ := info["plugin_specific"].(map[string]any); of["type"] != "subscriber" {
				continue
			}
			if answer := administer(t, fmt.Sprint(at, "/", handle), "move_handle", `,"node":"media-1"`); answer["janus"] != "success" {
				t.Fatalf("not moved: %v", answer)
			}
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		on := peersOn(t, a.Admins[0])
		if on["media-1"] == subscribers && on["media-0"] == 6-subscribers { // those on their way are on both
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("peers are on %v", on)
		}
	}
	for _, tab := range tabs {
		chrome.Eval[bool](tab, "watch.reset() ?? true")
	}
	a.Nodes[1].Kill()
	for i, tab := range tabs {
		var w watched
		for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			w = chrome.Eval[watched](tab, readWatch)
			if w.JSEPs > 0 && w.Video.Going == 2 && w.Audio.Going == 2 {
				break
			}
			if time.Now().After(deadline) {
				tab.Screenshot("failed")
				t.Fatalf("tab %d: media does not go on: %+v", i, w)
			}
		}
		if w.Hangups > 0 || w.JSEPs != 1 || w.SDPs != 2 {
			t.Errorf("tab %d: %d hangups; %d descriptions sent, and %d set, where an offer and its answer would do", i, w.Hangups, w.JSEPs, w.SDPs)
		}
		tab.Screenshot("offered anew")
	}
}
