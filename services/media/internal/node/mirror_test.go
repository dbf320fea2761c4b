package node

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// idleNode has shards whose workers do not run until run is called; that does what was posted, and ends them.
func idleNode(t testing.TB, workers int) (n *Node, run func()) {
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
		ended, cancel := context.WithCancel(context.Background())
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
	m := n.shards[1].mirror("feed", n.shards[0], "")
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
	m := n.shards[1].mirror("feed", n.shards[0], "")
	if n.Mirrors() != 1 || n.shards[1].feed("feed", "") != &m.feed {
		t.Error("no mirror")
	}
	n.shards[0].attach(m, "", 0) // before the shards end, in whatever order
	run()
	if !m.ended || n.Mirrors() != 0 {
		t.Error("a mirror of nothing")
	}
}

// nowhere is where the legs of a test send, and the way back of its streams.
type nowhere struct {
	buffer  [2000]byte
	packets int
}

func (n *nowhere) Buffer() []byte                        { return n.buffer[:0] }
func (n *nowhere) SendRTP(_, _ []byte)                   { n.packets++ }
func (n *nowhere) NextTransportSeq(time.Duration) uint16 { return 0 }
func (n *nowhere) SubstreamChanged(int)                  {}
func (n *nowhere) TemporalChanged(int)                   {}
func (n *nowhere) SpatialLayerChanged(int)               {}
func (n *nowhere) TemporalLayerChanged(int)              {}
func (n *nowhere) RequestKeyframe(uint32) bool           { return true }
func (n *nowhere) SendNACK(uint32, []uint16)             {}
func (n *nowhere) Receiving(int, bool)                   {}
func (n *nowhere) Talking(bool, float64)                 {}

func TestTheWayOverAMirrorAllocatesNothing(t *testing.T) {
	n, run := idleNode(t, 2)
	defer run()
	origin, watching := n.shards[0], n.shards[1]
	far := new(nowhere)
	cfg := forward.StreamConfig{Codec: codec.Opus, Layers: 1, Upstream: far, Observer: far}
	m := watching.mirror("feed", origin, "")
	f := &flow{number: 1}
	f.start(origin, forward.NewStream(cfg), 0)
	m.take([]description{{number: 1, mid: "0", codec: "opus", config: cfg}}, 0)
	leg := forward.NewLeg(forward.LegConfig{Codec: codec.Opus, Sender: far, Observer: far})
	leg.Connect(m.find("0", "opus"), 0)
	leg.SetFlowing(true, 0)

	p := packet.Packet{Payload: make([]byte, 100)}
	now := time.Duration(0)
	burst := func() {
		for range 5 {
			p.Seq++
			p.Arrival = now
			f.stream.Receive(0, &p)
		}
		origin.copyTo(m, f)
		takeBursts(origin.lanes[1].Load(), now) // the lane itself is transport's
		f.stream.Flush(now)
		watching.flush(now)
		now += 20 * time.Millisecond
	}
	for range 100 {
		burst()
	}
	far.packets = 0
	if allocs := testing.AllocsPerRun(500, burst); allocs > 0 {
		t.Errorf("%v allocations a burst", allocs)
	}
	if far.packets != 501*5 {
		t.Errorf("%d packets", far.packets)
	}
}

// TestAFullLaneLosesNothing that is still held when there is room again.
func TestAFullLaneLosesNothing(t *testing.T) {
	n, run := idleNode(t, 2)
	origin := n.shards[0]
	far := new(nowhere)
	m := n.shards[1].mirror("feed", origin, "")
	f := &flow{number: 1}
	f.start(origin, forward.NewStream(forward.StreamConfig{Codec: codec.Opus, Layers: 1, Upstream: far, Observer: far}), 0)
	lane := origin.lanes[1]
	for lane.Load() != nil {
		lane.Send() // the other worker stands still
	}
	p := packet.Packet{Payload: make([]byte, 100), Arrival: time.Second}
	for range 3 {
		p.Seq++
		f.stream.Receive(0, &p)
		origin.copyTo(m, f)
		f.stream.Flush(time.Second)
	}
	run()
	p.Seq++
	f.stream.Receive(0, &p)
	origin.copyTo(m, f)
	b := lane.Load()
	if b == nil || b.used != 1 || b.each[0].burst.Packets() != 4 || n.MirrorDrops() != 0 {
		t.Errorf("%+v, %d dropped", b, n.MirrorDrops())
	}
}
