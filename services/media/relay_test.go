package media

import (
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// at says on which node a slot's source is.
func (s *system) at(slot *mediav1.Slot) *mediav1.Slot {
	if slot.GetSource() != nil {
		slot.Source.Node = s.addresses.GRPC
	}
	for _, d := range slot.GetDataSources() {
		d.Node = s.addresses.GRPC
	}
	return slot
}

// counter returns what a line of the metrics says.
func (s *system) counter(name string) int {
	s.t.Helper()
	for line := range strings.Lines(metrics(s.t, s)) {
		if rest, ok := strings.CutPrefix(line, "cardea_media_"+name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return int(v)
		}
	}
	s.t.Fatalf("no %s in the metrics", name)
	return 0
}

// publishing is a node on which a feed is published, with audio as mid 0 and video as mid 1.
func publishing(t *testing.T, feed string, change ...func(*Config)) (*system, *endpoint) {
	t.Helper()
	s := start(t, change...)
	pub := s.dial()
	audio, video := pub.send(webrtc.MimeTypeOpus, "a"), pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish(feed)
	s.awaitUp(pub.id)
	audio.play(t, 20*time.Millisecond)
	video.play(t, 10*time.Millisecond)
	return s, pub
}

// inOrder sees that packets of a track come, none left out.
func (r *received) inOrder(t *testing.T, packets int) {
	t.Helper()
	last := r.next(t)
	for range packets {
		p := r.next(t)
		if p.SequenceNumber != last.SequenceNumber+1 {
			t.Fatalf("%s: %d after %d", r.Kind(), p.SequenceNumber, last.SequenceNumber)
		}
		last = p
	}
}

func TestASubscriberGetsTheFeedOfAnotherNode(t *testing.T) {
	t.Parallel()
	a, _ := publishing(t, "feed")
	b := start(t)
	sub := b.dial()
	ready := sub.subscribe(a.at(slotFor("0", "feed", "0", "opus")), a.at(slotFor("1", "feed", "1", "vp8")))
	if len(ready) != 2 {
		t.Errorf("ready: %v", ready)
	}
	for range 2 {
		sub.track().inOrder(t, 50)
	}
	a.shows(`cardea_media_relays{direction="out"} 1`)
	b.shows(`cardea_media_relays{direction="in"} 1`)
	b.close(sub.id)
	a.shows(`cardea_media_relays{direction="out"} 0`)
	b.shows(`cardea_media_relays{direction="in"} 0`)
}

func TestAFeedOfAnotherNodeComesOnceForAllSubscribers(t *testing.T) {
	t.Parallel()
	a, pub := publishing(t, "feed", severalWorkers)
	b := start(t, severalWorkers)
	var subs []*endpoint
	for range 8 { // on all workers, whatever handles are called
		sub := b.dial()
		subs = append(subs, sub)
		sub.subscribe(a.at(slotFor("0", "feed", "0", "opus")), a.at(slotFor("1", "feed", "1", "vp8")))
	}
	for _, sub := range subs {
		for range 2 {
			sub.track().inOrder(t, 20)
		}
	}
	a.shows(`cardea_media_relays{direction="out"} 1`)
	b.shows(`cardea_media_mirrors 3`)
	a.close(pub.id)
	a.shows(`cardea_media_relays{direction="out"} 0`)
	b.shows(`cardea_media_relays{direction="in"} 0`)
	b.shows(`cardea_media_mirrors 0`)
}

func TestAFeedThatANodeDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	sub := b.dial()
	for name, slot := range map[string]*mediav1.Slot{
		"a stream": slotFor("0", "feed", "0", "vp8"),
		"messages": {Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "other", Label: "1"}}},
	} {
		_, err := b.api.MakeOffer(t.Context(), &mediav1.MakeOfferRequest{
			Peer: sub.id, CommandId: newCommand(), SessionName: "x", Slots: []*mediav1.Slot{a.at(slot)},
		})
		if status.Code(err) != codes.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.shows(`cardea_media_relays{direction="in"} 0`)
}

func TestRelaysAreLimited(t *testing.T) {
	t.Parallel()
	a, _ := publishing(t, "feed", func(c *Config) { c.MaxRelays = 0 })
	b := start(t)
	sub := b.dial()
	sub.subscribe(a.at(slotFor("0", "feed", "1", "vp8"))) // it may be had later
	if n := a.counter(`relays{direction="out"}`); n != 0 {
		t.Errorf("%d relays", n)
	}
	b.close(sub.id)
	b.shows(`cardea_media_relays{direction="in"} 0`)
}

func TestASubscriberOutlastsTheNodeOfItsFeed(t *testing.T) {
	t.Parallel()
	a, _ := publishing(t, "feed")
	b := start(t)
	sub := b.dial()
	sub.subscribe(a.at(slotFor("0", "feed", "1", "vp8")))
	track := sub.track()
	track.inOrder(t, 20)
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	again, _ := publishing(t, "feed")
	if _, err := b.api.UpdateSubscriber(t.Context(), &mediav1.UpdateSubscriberRequest{
		Peer: sub.id, Slots: []*mediav1.Slot{again.at(slotFor("0", "feed", "1", "vp8"))},
	}); err != nil {
		t.Fatal(err)
	}
	again.shows(`cardea_media_relays{direction="out"} 1`)
	track.drain()
	track.inOrder(t, 20)
}

// drain forgets what has come.
func (r *received) drain() {
	for {
		select {
		case <-r.packets:
		default:
			return
		}
	}
}

// TestAFeedThatMovesIsFollowed by subscribers on other nodes, and by those on the node that it leaves.
func TestAFeedThatMovesIsFollowed(t *testing.T) {
	t.Parallel()
	a, pub := publishing(t, "feed")
	b := start(t)
	far, near := b.dial(), a.dial()
	far.subscribe(a.at(slotFor("0", "feed", "1", "vp8")))
	near.subscribe(slotFor("0", "feed", "1", "vp8"))
	tracks := []*received{far.track(), near.track()}
	for _, track := range tracks {
		track.inOrder(t, 10)
	}
	c, _ := publishing(t, "feed") // as if it had been taken over
	version := uint64(1)
	if _, err := a.api.ExportPeer(t.Context(), &mediav1.ExportPeerRequest{Peer: pub.id, LeaveAtVersion: &version, To: c.addresses.GRPC}); err != nil {
		t.Fatal(err)
	}
	c.shows(`cardea_media_relays{direction="out"} 2`)
	a.shows(`cardea_media_relays{direction="out"} 0`)
	a.shows(`cardea_media_relays{direction="in"} 1`)
	for _, track := range tracks {
		track.drain()
		track.inOrder(t, 20)
	}

	late := start(t).dial() // who has not heard yet
	late.subscribe(a.at(slotFor("0", "feed", "0", "opus")))
	late.track().inOrder(t, 10)
}

func TestMessagesAreRelayed(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t, severalWorkers)
	pub := a.dial()
	dc, _, open := pub.channel("whatever")
	pub.publish("feed")
	await(t, "open channel", open)
	const subscribers = 6
	got := make(chan byte, 8*subscribers)
	for range subscribers {
		sub := b.dial()
		sub.OnDataChannel(func(dc *webrtc.DataChannel) {
			dc.OnMessage(func(m webrtc.DataChannelMessage) {
				if dc.Label() != "1234" || m.IsString {
					t.Errorf("%q, text: %v", dc.Label(), m.IsString)
				}
				got <- m.Data[0]
			})
		})
		_, _, ready := sub.channel("JanusDataChannel")
		sub.subscribe(a.at(&mediav1.Slot{
			Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "feed", Label: "1234"}},
		}))
		await(t, "open channel", ready)
	}
	// What is said before the other node has asked for it is not heard there: say it until it is.
	heard := map[byte]int{}
	for n := byte(0); len(heard) == 0 || heard[n-1] < subscribers; n++ {
		if n > 100 {
			t.Fatalf("heard: %v", heard)
		}
		if err := dc.Send(append([]byte{n}, make([]byte, 60_000)...)); err != nil {
			t.Fatal(err)
		}
		for wait := time.After(time.Second); heard[n] < subscribers; {
			select {
			case m := <-got:
				heard[m]++
				continue
			case <-wait:
			}
			break
		}
	}
}

func TestOnlyWantedLayersAreRelayed(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	pub := a.dial()
	write := pub.sendLayers()
	pub.publish("feed")
	a.awaitUp(pub.id)
	every(t, 10*time.Millisecond, write)

	sub := b.dial()
	slot := func(substream uint32) *mediav1.Slot {
		s := a.at(slotFor("0", "feed", "0", "vp8"))
		s.Layers = &mediav1.Layers{Substream: substream, Temporal: 2}
		return s
	}
	sub.subscribe(slot(0))
	track := sub.track()
	for _, step := range []struct {
		substream   uint32
		rid         byte
		least, most float64 // of what is published, how much is relayed
	}{{0, 'l', 0.1, 0.5}, {2, 'h', 0.6, 1.3}, {1, 'm', 0.4, 0.85}, {2, 'h', 0.6, 1.3}} {
		if _, err := b.api.UpdateSubscriber(t.Context(), &mediav1.UpdateSubscriberRequest{Peer: sub.id, Slots: []*mediav1.Slot{slot(step.substream)}}); err != nil {
			t.Fatal(err)
		}
		last := track.next(t)
		inARow := 0
		for deadline := time.Now().Add(patience); inARow < 20; {
			p := track.next(t)
			if p.SequenceNumber != last.SequenceNumber+1 {
				t.Fatalf("%d after %d", p.SequenceNumber, last.SequenceNumber)
			}
			last = p
			if p.Payload[len(p.Payload)-1] == step.rid {
				inARow++
			} else if inARow = 0; time.Now().After(deadline) {
				t.Fatalf("substream %d is not layer %c", step.substream, step.rid)
			}
		}
		in, out := a.counter(`packets_total{direction="in"}`), a.counter(`relayed_packets_total{direction="out"}`)
		for range 60 {
			track.next(t)
		}
		time.Sleep(200 * time.Millisecond) // counters are up to 100 ms old
		came := a.counter(`packets_total{direction="in"}`) - in
		went := a.counter(`relayed_packets_total{direction="out"}`) - out
		if share := float64(went) / float64(came); share < step.least || share > step.most {
			t.Errorf("substream %d: %d of %d are relayed", step.substream, went, came)
		}
	}
}

// rough is a path from one node to another on which datagrams are lost, come twice, and come with another bit.
type rough struct {
	conn   *net.UDPConn
	to     atomic.Pointer[net.UDPAddr]
	lost   atomic.Int64
	rate   atomic.Int64 // one of so many is lost; 0 for none
	closed sync.WaitGroup
}

func newRough(t *testing.T) *rough {
	t.Helper()
	r := &rough{}
	var err error
	if r.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	r.closed.Go(r.run)
	t.Cleanup(func() { _ = r.conn.Close(); r.closed.Wait() })
	return r
}

func (r *rough) run() {
	b := make([]byte, 2048)
	for n := int64(1); ; n++ {
		size, _, err := r.conn.ReadFromUDP(b)
		if err != nil {
			return
		}
		to, rate := r.to.Load(), r.rate.Load()
		if to == nil {
			continue
		}
		if rate != 0 && n%rate == 0 {
			r.lost.Add(1)
			continue
		}
		_, _ = r.conn.WriteToUDP(b[:size], to)
		if rate == 0 {
			continue
		}
		switch n % 5 {
		case 1:
			_, _ = r.conn.WriteToUDP(b[:size], to)
		case 2:
			forged := slices.Clone(b[:size])
			forged[8+n%int64(size-8)] ^= 1
			_, _ = r.conn.WriteToUDP(forged, to)
		case 3:
			other := slices.Clone(b[:size])
			other[5] ^= 1 // of another relay
			_, _ = r.conn.WriteToUDP(other, to)
		}
	}
}

func TestWhatIsLostBetweenNodesIsRepaired(t *testing.T) {
	t.Parallel()
	a, _ := publishing(t, "feed")
	path := newRough(t)
	b := start(t, func(c *Config) { c.RelayAddress = path.conn.LocalAddr().String() })
	path.to.Store(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(b.addresses.Media)})
	path.rate.Store(7)
	sub := b.dial()
	sub.subscribe(a.at(slotFor("0", "feed", "0", "opus")), a.at(slotFor("1", "feed", "1", "vp8")))
	for range 2 {
		track := sub.track()
		first := track.next(t).SequenceNumber
		const wanted = 150
		missing := map[uint16]bool{}
		for i := range uint16(wanted) {
			missing[first+1+i] = true
		}
		deadline := time.After(patience)
		for len(missing) > 0 {
			select {
			case p := <-track.packets:
				delete(missing, p.SequenceNumber)
			case <-deadline:
				t.Fatalf("never came: %v", missing)
			}
		}
	}
	if path.lost.Load() == 0 || b.counter("relay_lost_total") == 0 || b.counter("relay_repaired_total") == 0 || a.counter("relay_resent_total") == 0 {
		t.Errorf("%d were lost; %d noticed, %d repaired, %d sent again", path.lost.Load(),
			b.counter("relay_lost_total"), b.counter("relay_repaired_total"), a.counter("relay_resent_total"))
	}
	for _, reason := range []string{"relay_replayed", "relay_forged", "relay_unknown"} {
		b.shows(`cardea_media_drops_total{reason="` + reason + `"} [1-9]\d*`)
	}
}

func TestAPathThatIsDeadForAWhileIsNoHarm(t *testing.T) {
	t.Parallel()
	a, _ := publishing(t, "feed")
	path := newRough(t)
	b := start(t, func(c *Config) { c.RelayAddress = path.conn.LocalAddr().String() })
	sub := b.dial()
	sub.subscribe(a.at(slotFor("0", "feed", "1", "vp8")))
	b.awaitUp(sub.id)
	time.Sleep(1500 * time.Millisecond)
	path.to.Store(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(b.addresses.Media)})
	track := sub.track()
	for range 30 {
		track.next(t)
	}
	path.rate.Store(1)
	time.Sleep(1500 * time.Millisecond)
	path.rate.Store(0)
	track.drain()
	for range 30 {
		track.next(t)
	}
}

// proxy passes TCP connections on, until they are cut.
type proxy struct {
	listener net.Listener
	to       string
	all      sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to}
	p.all.Go(p.run)
	t.Cleanup(func() { _ = l.Close(); p.cut(); p.all.Wait() })
	return p
}

func (p *proxy) run() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp4", p.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, near, far)
		p.mu.Unlock()
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			p.all.Go(func() {
				_, _ = io.Copy(way[0], way[1])
				_ = way[0].Close()
			})
		}
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// TestARelayThatBreaksIsMadeAgain, and what the subscriber gets has no hole: the other node has it still.
func TestARelayThatBreaksIsMadeAgain(t *testing.T) {
	t.Parallel()
	a, _ := publishing(t, "feed")
	b := start(t)
	line := newProxy(t, a.addresses.GRPC)
	sub := b.dial()
	slot := slotFor("0", "feed", "1", "vp8")
	slot.Source.Node = line.listener.Addr().String()
	sub.subscribe(slot)
	track := sub.track()
	last := track.next(t)
	for i := range 150 {
		if i == 30 || i == 90 {
			line.cut()
		}
		p := track.next(t)
		if p.SequenceNumber != last.SequenceNumber+1 {
			t.Fatalf("%d after %d", p.SequenceNumber, last.SequenceNumber)
		}
		last = p
	}
	a.shows(`cardea_media_relays{direction="out"} 1`)
	b.close(sub.id)
	a.shows(`cardea_media_relays{direction="out"} 0`)
}
