package node

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// idleNode has shards whose workers do not run until run is called; that does what was posted, and ends them.
func idleNode(t *testing.T, workers int) (n *Node, run func()) {
	t.Helper()
	g, err := transport.Listen(transport.Config{
		Workers: workers, Advertise: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	n = New(g, Config{MaxPeers: 10, Log: slog.New(slog.DiscardHandler)})
	if len(n.shards) != workers {
		t.Skipf("%d workers cannot share a port here", workers)
	}
	return n, func() {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := n.Run(ended); err != nil {
			t.Error(err)
		}
	}
}

func TestHandlesAreSpreadOverShards(t *testing.T) {
	n, run := idleNode(t, 4)
	defer run()
	count := map[int]int{}
	for id := range uint64(4000) {
		for _, h := range []Handle{{Session: 1, ID: id}, {Session: id, ID: 1}, {Session: id << 20, ID: id}} {
			count[n.shard(h).index]++
		}
	}
	for i := range n.shards {
		if count[i] < 2700 || count[i] > 3300 {
			t.Errorf("%d of 12000 handles are in shard %d", count[i], i)
		}
	}
}

func TestMessagesForAShardThatStandsStillAreBounded(t *testing.T) {
	n, run := idleNode(t, 2)
	m := n.shards[1].mirror("feed", n.shards[0])
	message := transport.Message{Data: make([]byte, transport.MaxMessage)}
	for range maxMirroredData / transport.MaxMessage {
		m.send(message)
	}
	if m.full {
		t.Error("full too early")
	}
	m.send(message)
	if !m.full {
		t.Error("never full")
	}
	waiting := m.waiting.Load()
	if m.send(message); m.waiting.Load() != waiting {
		t.Error("taken though it is full")
	}
	run()
	if got := m.waiting.Load(); got != 0 {
		t.Errorf("%d bytes are left", got)
	}
}

func TestMirrorOfAFeedThatIsGoneEnds(t *testing.T) {
	n, run := idleNode(t, 2)
	m := n.shards[1].mirror("feed", n.shards[0])
	if n.Mirrors() != 1 || n.shards[1].feed("feed") != &m.feed {
		t.Error("no mirror")
	}
	n.shards[0].attach(m) // before the shards end, in whatever order
	run()
	if !m.ended || n.Mirrors() != 0 {
		t.Error("a mirror of nothing")
	}
}
