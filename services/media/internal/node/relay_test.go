package node

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/relay"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// relayStart is a moment on the clocks of both nodes.
const relayStart = time.Hour

// published is a feed of one stream of Opus in a shard.
func published(sh *shard, feed FeedID) (*publisher, *inbound) {
	p := &peer{node: sh.node, shard: sh}
	pub := &p.publishing
	pub.begin(p)
	pub.id = feed
	in := &inbound{publisher: pub, layers: 1}
	in.agreed.MID, in.agreed.Format.Codec = "0", "opus"
	far := new(nowhere)
	in.start(sh, forward.NewStream(forward.StreamConfig{Codec: codec.Opus, Layers: 1, Upstream: far, Observer: far}), relayStart)
	in.number, in.taps = 1, &pub.taps
	pub.streams = []*inbound{in}
	sh.feeds[feed] = pub
	return pub, in
}

// relayBetween is a relay of a feed, of which neither side has a gRPC connection: what goes by datagram is test's to carry.
func relayBetween(t *testing.T, from, to *shard) (*outRelay, *pull) {
	t.Helper()
	p := &pull{shard: to, log: to.node.log, known: make(chan struct{}), demands: newDemands(), cancel: func() {}}
	p.init(p)
	p.id = "feed"
	p.linger, p.parts, p.repairs = to.worker.NewTimer(p.checkUse), to.worker.NewTimer(p.part), to.worker.NewTimer(p.repair)
	to.pulls[p.id] = p
	to.node.relays.in.Add(1)
	here := p.begin()
	here.Address = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), here.Address.Port())
	r, err := from.relay("feed", here, transport.NewRelayKey(), relayStart)
	if err != nil {
		t.Fatal(err)
	}
	news, err := r.news.next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	news.Accepted = &RelayEnd{Relay: r.in.Relay(), Address: here.Address, Key: transport.NewRelayKey()}
	if err := p.take(&news, relayStart); err != nil {
		t.Fatal(err)
	}
	return r, p
}

// opus gives a stream packets in one burst.
func opus(in *inbound, p *packet.Packet, packets int) {
	for range packets {
		in.stream.Receive(0, p)
		in.flow.received(p.Arrival)
		p.Seq++
	}
	p.Arrival += 20 * time.Millisecond
}

func TestTheOriginsSideOfARelayAllocatesNothing(t *testing.T) {
	n, run := idleNode(t, 1)
	defer run()
	sh := n.shards[0]
	_, in := published(sh, "feed")
	r, _ := relayBetween(t, sh, sh)
	if err := r.want(&RelayDemand{Streams: []RelayWanted{{Number: 1, Layers: 1}}}, relayStart); err != nil {
		t.Fatal(err)
	}
	p := &packet.Packet{Payload: make([]byte, 100), Arrival: relayStart}
	burst := func() {
		opus(in, p, 5)
		sh.flush(p.Arrival)
	}
	for range 1000 {
		burst() // and fills the socket's batch, which goes off
	}
	sent := r.out.Sent()
	if allocs := testing.AllocsPerRun(500, burst); allocs > 0 {
		t.Errorf("%v allocations a burst", allocs)
	}
	if got := r.out.Sent() - sent; got != 501*5 {
		t.Errorf("%d datagrams", got)
	}
}

func TestTheOtherSideOfARelayAllocatesNothing(t *testing.T) {
	n, run := idleNode(t, 1)
	defer run()
	sh := n.shards[0]
	_, in := published(sh, "feed")
	_, pulled := relayBetween(t, sh, sh)
	far := new(nowhere)
	leg := forward.NewLeg(forward.LegConfig{Codec: codec.Opus, Sender: far, Observer: far})
	leg.Connect(pulled.find("0", "opus"), relayStart)
	leg.SetFlowing(true, relayStart)
	p := &packet.Packet{Payload: make([]byte, 100), Arrival: relayStart}
	room := make([]byte, 0, 2000)
	number := uint64(0)
	burst := func() {
		opus(in, p, 5)
		for _, seq := range in.stream.Received(0) {
			number++
			pulled.Relayed(number, in.stream.AppendPacket(relay.AppendHead(room, relay.Packet, 1, 0), 0, seq), p.Arrival)
		}
		sh.flush(p.Arrival)
	}
	for range 1000 {
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

func TestADemandSaysWhatIsWantedInAllShards(t *testing.T) {
	n, run := idleNode(t, 2)
	defer run()
	sh := n.shards[0]
	published(sh, "feed")
	_, p := relayBetween(t, sh, sh)
	demand := func() RelayDemand {
		d, _ := p.demands.take()
		return d
	}
	if d := demand(); len(d.Streams) != 0 || d.Messages {
		t.Errorf("wanted at first: %+v", d)
	}
	m := &mirror{shard: n.shards[1], origin: sh, node: "far", source: p}
	p.taps.mirrors = append(p.taps.mirrors, m)
	p.wants(m, p.streams[0].number, mirrorWants{1, [forward.MaxLayers]RelayHeld{{First: 7, Highest: 9}}})
	p.wants(m, anyMessages, mirrorWants{layers: 1})
	if d := demand(); len(d.Streams) != 1 || d.Streams[0].Number != 1 || d.Streams[0].Layers != 1 || !d.Messages ||
		d.Streams[0].Held[0] != (RelayHeld{7, 9}) {
		t.Errorf("wanted by a mirror: %+v", d)
	}
	p.streams[0].RequestKeyframe(5)
	p.streams[0].RequestKeyframe(5)
	p.wants(m, p.streams[0].number, mirrorWants{})
	if d := demand(); len(d.Streams) != 0 || !slices.Equal(d.Keyframes, []RelayKeyframe{{1, 5}}) {
		t.Errorf("nothing wanted but a key frame: %+v", d)
	}
	if d := demand(); len(d.Keyframes) != 0 {
		t.Errorf("asked for twice: %+v", d)
	}
}

func TestOfWhatSeveralHoldTheEarliestCounts(t *testing.T) {
	nothing, ten, nine, other := RelayHeld{}, RelayHeld{5, 10}, RelayHeld{5, 9}, RelayHeld{6, 8}
	for _, c := range []struct{ a, b, want RelayHeld }{
		{nothing, nothing, nothing}, {nothing, ten, ten}, {ten, nothing, ten}, {ten, nine, nine}, {nine, ten, nine}, {ten, other, ten},
	} {
		if got := earlier(c.a, c.b); got != c.want {
			t.Errorf("%v and %v: %v", c.a, c.b, got)
		}
	}
}

func TestStreamsOutlastARelay(t *testing.T) {
	n, run := idleNode(t, 1)
	defer run()
	sh := n.shards[0]
	published(sh, "feed")
	_, p := relayBetween(t, sh, sh)
	stream := p.find("0", "opus")
	p.begin()
	news := RelayNews{
		Accepted: &RelayEnd{Relay: 1, Address: netip.MustParseAddrPort("127.0.0.1:9")}, Described: true,
		Streams: []RelayStream{{Number: 8, MID: "1", Codec: "vp8", Layers: 3}, {Number: 9, MID: "0", Codec: "opus", Layers: 1}},
	}
	if err := p.take(&news, relayStart); err != nil {
		t.Fatal(err)
	}
	if p.find("0", "opus") != stream || p.find("1", "vp8") == nil || p.farNumbered(9).stream != stream || p.farNumbered(1) != nil {
		t.Errorf("%+v", p.streams)
	}
	for _, bad := range []RelayStream{{Layers: 0}, {Layers: 4}} {
		if p.take(&RelayNews{Described: true, Streams: []RelayStream{bad}}, relayStart) == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestNewsForANodeThatDoesNotListenAreBounded(t *testing.T) {
	q := newRelayNews()
	large := transport.Message{Data: make([]byte, transport.MaxMessage)}
	taken := 0
	for range 2 * maxMirroredData / transport.MaxMessage {
		if q.message(large) {
			taken++
		}
	}
	if taken != maxMirroredData/transport.MaxMessage {
		t.Errorf("%d large ones taken", taken)
	}
	for range 10 {
		q.describe([]RelayStream{{Number: 3}})
	}
	q.end("")
	described, messages, lost := 0, 0, 0
	for {
		news, err := q.next(context.Background())
		if err != nil {
			break
		}
		if news.Described {
			described++
		}
		if news.Message != nil {
			messages++
		}
		if news.MessagesLost {
			lost++
		}
	}
	if described != 1 || messages != taken || lost != 1 {
		t.Errorf("%d descriptions, %d messages, lost told %d times", described, messages, lost)
	}
	small := newRelayNews()
	taken = 0
	for range 2 * maxRelayMessages {
		if small.message(transport.Message{}) {
			taken++
		}
	}
	if taken != maxRelayMessages {
		t.Errorf("%d small ones taken", taken)
	}
}

func FuzzRelayed(f *testing.F) {
	f.Add(binary.BigEndian.AppendUint64(relay.AppendHead(nil, relay.Time, 0, 0), uint64(relayStart)), uint64(1))
	f.Add(relay.AppendNACK(relay.AppendHead(nil, relay.NACK, 0, 0), []uint64{1}), uint64(2))
	f.Add(relay.AppendHead(nil, relay.Gone, 0, 1), uint64(3))
	f.Add(relay.AppendHead(nil, relay.State, 1, 1), uint64(300))
	f.Add(relay.AppendHead(nil, relay.Packet, 1, 0), uint64(1<<60))
	// A node is slow to make, and inputs are of a feed and a relay of their own: it serves many.
	const inputsOfANode = 500
	var n *Node
	inputs, end := 0, func() {}
	f.Cleanup(func() { end() })
	f.Fuzz(func(t *testing.T, b []byte, number uint64) {
		if inputs%inputsOfANode == 0 {
			end()
			n, end = idleNode(t, 1)
		}
		inputs++
		sh := n.shards[0]
		_, in := published(sh, "feed")
		r, p := relayBetween(t, sh, sh)
		_ = r.want(&RelayDemand{Streams: []RelayWanted{{Number: 1, Layers: 1}}}, relayStart)
		opus(in, &packet.Packet{Payload: []byte{1}, Arrival: relayStart}, 2)
		p.Relayed(max(number, 1), b, relayStart)
		r.Relayed(1, b, relayStart)
		sh.flush(relayStart)
	})
}

// TestAFeedThatIsStillToComeIsHadFromItsNode: its publisher is here, but its endpoint is not yet.
func TestAFeedThatIsStillToComeIsHadFromItsNode(t *testing.T) {
	n, run := idleNode(t, 1)
	defer run()
	n.cfg.Cluster, n.cfg.Address = noCluster{}, "here"
	sh := n.shards[0]
	pub, _ := published(sh, "feed")
	pub.peer.taking = origin{}
	for node, want := range map[string]*publisher{"far": nil, "here": pub, "": pub} {
		if got := sh.published("feed", node); got != want {
			t.Errorf("said to be %q: %v", node, got)
		}
	}
	pub.peer.taking = nil
	if sh.published("feed", "far") != pub {
		t.Error("not here though it has come")
	}
}

// noCluster has no other node.
type noCluster struct{}

func (noCluster) Pull(context.Context, string, FeedID, RelayEnd) (PullLine, error) {
	return nil, context.Canceled
}

// TestASilentNodeIsLeft for the one that a feed is said to be on now; one that is heard is left only when it says so.
func TestASilentNodeIsLeft(t *testing.T) {
	n, run := idleNode(t, 1)
	defer run()
	sh := n.shards[0]
	published(sh, "feed")
	_, p := relayBetween(t, sh, sh)
	p.node = "first"
	cut := 0
	p.cut = func() { cut++ }
	p.heardAt = sh.worker.Now()
	p.redirect("second")
	if cut != 0 || p.node != "first" {
		t.Errorf("left %q while it was heard", p.node)
	}
	p.heardAt = sh.worker.Now() - 2*pullSilence
	p.redirect("first")
	if cut != 0 {
		t.Error("left for itself")
	}
	if p.redirect("second"); cut != 1 {
		t.Error("a silent node is not left")
	}
	if err := p.after("", errPullEnded, relayStart); err != nil || p.node != "second" || p.up {
		t.Errorf("goes on with %q, %v", p.node, err)
	}
}

// TestAFeedThatHasComeHereIsNotPulledAnyMore though the node that had it leaves the relay open, as one does that is stopped. One that is
// heard may still say where the feed has gone, for a while.
func TestAFeedThatHasComeHereIsNotPulledAnyMore(t *testing.T) {
	for name, heard := range map[string]bool{"silent": false, "heard": true} {
		t.Run(name, func(t *testing.T) {
			n, run := idleNode(t, 2)
			defer run()
			far, home, other := n.shards[0], n.shards[0], n.shards[1]
			pub, _ := published(far, "feed")
			_, p := relayBetween(t, far, home)
			m := other.mirror("feed", home, "far")
			m.source = p
			p.taps.mirrors = append(p.taps.mirrors, m)
			n.known.feeds["feed"] = &listing{publisher: pub, shard: home, coming: true}
			now := relayStart + time.Minute
			p.heardAt = now - 2*pullFarewell
			if home.arrived("feed", now); p.closed {
				t.Fatal("left for a feed that is still to come")
			}
			n.known.setComing("feed", false)
			if heard {
				p.heardAt = now
			}
			if home.arrived("feed", now); p.closed == heard {
				t.Fatalf("closed: %v", p.closed)
			}
			if p.part(now); !p.closed || home.pulls["feed"] != nil || len(p.taps.mirrors) > 0 {
				t.Error("it is pulled still")
			}
			p.part(now) // too late
		})
	}
}

// TestAPullKnowsWhoRelays though it was said of another node that it has the feed, wrongly or too early, while the relay was being asked
// for: when who relays it falls silent, and that other node has the feed indeed, it is asked.
func TestAPullKnowsWhoRelays(t *testing.T) {
	n, run := idleNode(t, 1)
	defer run()
	sh := n.shards[0]
	published(sh, "feed")
	_, p := relayBetween(t, sh, sh)
	cut := 0
	attempt := func(node string) {
		cut = 0
		p.node, p.next, p.from, p.cut = node, "", node, func() { cut++ }
		p.begin()
	}
	attempt("first")
	if p.redirect("second"); p.node != "second" || cut != 1 {
		t.Errorf("asks %q next, having left the first %d times", p.node, cut)
	}
	news := RelayNews{Accepted: &RelayEnd{Relay: 1, Address: netip.MustParseAddrPort("127.0.0.1:9")}}
	if err := p.take(&news, relayStart); err != nil || p.node != "first" {
		t.Errorf("%v; %q relays", err, p.node)
	}
	p.heardAt = sh.worker.Now() - 2*pullSilence
	if p.redirect("second"); cut != 2 {
		t.Error("a silent node is not left for one that it was to be left for before")
	}
	attempt("first")
	p.redirect("second")
	if err := p.after("", fault.New(fault.NoSuchFeed, nil), relayStart); err != nil || p.closed || p.node != "second" {
		t.Errorf("%v: the first does not have it, so the second is not asked", err)
	}
	attempt("second")
	if err := p.after("", fault.New(fault.NoSuchFeed, nil), relayStart); err == nil || !p.closed {
		t.Error("nobody has it, and it is asked for still")
	}
}
