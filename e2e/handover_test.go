//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

type handoverStats struct {
	Publisher, Subscriber string
	Audio, Video          struct {
		SSRC, Packets         uint64
		Lost                  int
		Frames, Keyframes     int
		Height                int
		Energy, Frozen        float64
		NACKs, PLIs, Repaired int
	}
	PLIs int
}

// TestPeersMoveBetweenNodes takes a live publisher and a live subscriber from one node to another, to a third, and at once back to where
// they were. All that the page does for it is to take a candidate.
func TestPeersMoveBetweenNodes(t *testing.T) {
	t.Parallel()
	nodes := cluster.StartNodes(t, 3)
	var api []mediav1.MediaClient
	for _, n := range nodes {
		api = append(api, dialNode(t, n))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	tab := startCall(ctx, t, api[0], "vp8", "simulcast")
	tab.WaitFor("the best layer", `stats().then(s => s.video?.height === 360 && s.video.frames > 60)`, 30*time.Second)

	path := []int{0, 1, 2, 1, 0, 2}
	for i := range len(path) - 1 {
		from, to := path[i], path[i+1]
		before := chrome.Eval[handoverStats](tab.Tab, "stats()")
		for who, id := range map[string]*mediav1.PeerID{"publisher": tab.publisher, "subscriber": tab.subscriber} {
			taken, err := api[to].TakePeer(ctx, &mediav1.TakePeerRequest{Peer: id, From: nodes[from].GRPC})
			if err != nil {
				t.Fatalf("%s: %v", who, err)
			}
			all, _ := json.Marshal(taken.GetCandidates())
			chrome.Eval[bool](tab.Tab, fmt.Sprintf("candidates(%q, %s)", who, all))
		}
		nodes[from].WaitPeers(t, 0, 20*time.Second)
		nodes[to].WaitPeers(t, 2, 20*time.Second)
		tab.WaitFor("pictures to go on", fmt.Sprintf("stats().then(s => s.video.frames > %d)", before.Video.Frames+90), 30*time.Second)
		after := chrome.Eval[handoverStats](tab.Tab, "stats()")
		t.Logf("move %d\nbefore %+v\nafter  %+v", i+1, before, after)
		tab.Screenshot(fmt.Sprint("move", i+1))
		sameCall(t, before, after)
	}
}

// TestPeersOfDifferentNodesMove takes a subscriber whose feed is on another node to a third, and then the publisher to where
// the subscriber was.
func TestPeersOfDifferentNodesMove(t *testing.T) {
	t.Parallel()
	const patience = 30 * time.Second
	nodes := cluster.StartNodes(t, 3)
	var api []mediav1.MediaClient
	for _, n := range nodes {
		api = append(api, dialNode(t, n))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	tab := startCallOver(ctx, t, api[0], api[1], nodes[0].GRPC, "vp8", "simulcast", "{}")
	tab.WaitFor("the best layer", `stats().then(s => s.video?.height === 360 && s.video.frames > 60)`, patience)
	for _, move := range []struct {
		who                            string
		id                             *mediav1.PeerID
		from, to, publishing, watching int
	}{
		{"subscriber", tab.subscriber, 1, 2, 0, 2},
		{"publisher", tab.publisher, 0, 1, 1, 2},
		{"subscriber", tab.subscriber, 2, 0, 1, 0},
	} {
		before := chrome.Eval[handoverStats](tab.Tab, "stats()")
		taken, err := api[move.to].TakePeer(ctx, &mediav1.TakePeerRequest{Peer: move.id, From: nodes[move.from].GRPC})
		if err != nil {
			t.Fatalf("%s: %v", move.who, err)
		}
		all, _ := json.Marshal(taken.GetCandidates())
		chrome.Eval[bool](tab.Tab, fmt.Sprintf("candidates(%q, %s)", move.who, all))
		nodes[move.from].WaitPeers(t, 0, patience)
		for i, n := range nodes {
			in, out := 0, 0
			if i == move.watching {
				in = 1
			}
			if i == move.publishing {
				out = 1
			}
			n.WaitMetric(t, `relays{direction="in"}`, in, patience)
			n.WaitMetric(t, `relays{direction="out"}`, out, patience)
		}
		tab.WaitFor("pictures to go on", fmt.Sprintf("stats().then(s => s.video.frames > %d)", before.Video.Frames+90), patience)
		after := chrome.Eval[handoverStats](tab.Tab, "stats()")
		t.Logf("%s from %d to %d\nbefore %+v\nafter  %+v", move.who, move.from, move.to, before, after)
		sameCall(t, before, after)
	}
}

// sameCall sees that a call went on over a move, and how.
func sameCall(t *testing.T, before, after handoverStats) {
	t.Helper()
	switch {
	case after.Publisher != "connected" || after.Subscriber != "connected":
		t.Errorf("connections: %s, %s", after.Publisher, after.Subscriber)
	case after.Video.SSRC != before.Video.SSRC || after.Audio.SSRC != before.Audio.SSRC:
		t.Error("other SSRCs")
	case after.Video.Height != before.Video.Height:
		t.Errorf("height was %d, is %d", before.Video.Height, after.Video.Height)
	case after.Audio.Energy <= before.Audio.Energy:
		t.Error("no sound any more")
	case after.Video.Frozen > before.Video.Frozen+8: // a fraction of a second, on a machine that does nothing else
		t.Errorf("the picture froze for %v s", after.Video.Frozen-before.Video.Frozen)
	case after.Audio.Lost > before.Audio.Lost+10:
		t.Errorf("%d packets of sound were lost", after.Audio.Lost-before.Audio.Lost)
	}
}
