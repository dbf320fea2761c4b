//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// peersOn asks administrators' API how many peers each node has, by its name.
func peersOn(t *testing.T, admin string) map[string]int64 {
	t.Helper()
	peers := map[string]int64{}
	list, _ := administer(t, admin, "list_nodes", "")["nodes"].([]any)
	for _, item := range list {
		node, _ := item.(map[string]any)
		n, _ := node["peers"].(json.Number)
		peers[fmt.Sprint(node["name"])], _ = n.Int64()
	}
	return peers
}

// awaitPeersOn waits until all peers are on one node.
func awaitPeersOn(t *testing.T, admin, node string, want int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		peers := peersOn(t, admin)
		elsewhere := int64(0)
		for name, n := range peers {
			if name != node {
				elsewhere += n
			}
		}
		if peers[node] == want && elsewhere == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("peers are on %v", peers)
		}
	}
}

// TestCallsMoveBetweenNodes has a call of three go on with a second node, peer by peer, as an administrator says, and then with a
// third one that has come meanwhile, since the second is told to end. The pages are Janus's, as they are.
func TestCallsMoveBetweenNodes(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	tabs := videoRoomDemo(t, "mvideoroomtest.html", a.URLs...)
	goOn := func() {
		t.Helper()
		for _, tab := range tabs {
			tab.WaitVideos(3, 20*time.Second)
			tab.WaitMoreFrames(3, 30*time.Second)
		}
	}
	const peers = 6 // three that publish, three that subscribe to all others
	awaitPeersOn(t, a.Admins[0], "media-0", peers)
	if bad := administer(t, a.Admins[0], "drain_node", `,"node":"media-9"`); bad["janus"] != "error" {
		t.Errorf("a node that is not there: %v", bad)
	}

	for _, session := range administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any) {
		at := fmt.Sprint(a.Admins[1], "/", session)
		for _, handle := range administer(t, at, "list_handles", "")["handles"].([]any) {
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
				answer := administer(t, fmt.Sprint(at, "/", handle), "move_handle", `,"node":"media-1"`)
				if answer["janus"] == "success" {
					break
				}
				if time.Now().After(deadline) { // until then, an offer may wait for its answer
					t.Fatalf("not moved: %v", answer)
				}
			}
		}
	}
	awaitPeersOn(t, a.Admins[0], "media-1", peers)
	goOn()
	tabs[0].Screenshot("moved")

	// Endpoints that have left a node come back to it only after a while: so no more work for that.
	if answer := administer(t, a.Admins[1], "drain_node", `,"node":"media-0"`); answer["janus"] != "success" {
		t.Fatalf("not drained: %v", answer)
	}
	a.AddNode(t)
	for deadline := time.Now().Add(20 * time.Second); len(peersOn(t, a.Admins[0])) < 3; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new node is not known")
		}
	}
	a.Nodes[1].Signal(syscall.SIGTERM)
	a.Nodes[1].WaitEnd(t, 40*time.Second)
	awaitPeersOn(t, a.Admins[0], "media-2", peers)
	goOn()
	tabs[0].Screenshot("drained")
}
