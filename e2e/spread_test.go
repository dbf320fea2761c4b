//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// awaitMoved waits until a node has as many peers.
func awaitMoved(t *testing.T, admin, node string, want int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); peersOn(t, admin)["media-0"] != 6-want || peersOn(t, admin)[node] != want; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("peers are on %v", peersOn(t, admin))
		}
	}
}

// TestARoomSpreadsOverNodesUnderACall moves peers of a call of three to another node one by one, some that publish and some that
// subscribe: all see all others all the time, from wherever they are.
func TestARoomSpreadsOverNodesUnderACall(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	tabs := videoRoomDemo(t, "mvideoroomtest.html", a.URLs...)
	awaitPeersOn(t, a.Admins[0], "media-0", 6)
	for i, session := range administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any) {
		at := fmt.Sprint(a.Admins[1], "/", session)
		handles := administer(t, at, "list_handles", "")["handles"].([]any)
		h := handles[i%len(handles)]
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			answer := administer(t, fmt.Sprint(at, "/", h), "move_handle", `,"node":"media-1"`)
			if answer["janus"] == "success" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("not moved: %v", answer)
			}
		}
		awaitMoved(t, a.Admins[0], "media-1", int64(i+1))
		for _, tab := range tabs {
			tab.WaitVideos(3, 20*time.Second)
			tab.WaitMoreFrames(3, 30*time.Second)
		}
	}
	tabs[0].Screenshot("spread")
	operatorShows(t, a.Admins[0], 2, 6)
}
