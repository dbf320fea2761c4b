package forward

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// wiredTo is a stream and its replica on another node, each with a leg.
type wiredTo struct {
	*mirrored
	t      *testing.T
	offset time.Duration // the other node's clock minus the origin's
}

func (m *wiredTo) flush(now time.Duration) {
	m.t.Helper()
	for layer := range m.origin.Layers() {
		for _, seq := range m.origin.Received(layer) {
			if b := m.origin.AppendPacket(nil, layer, seq); b != nil {
				if err := m.replica.ReceivePacket(b, m.offset, now+m.offset); err != nil {
					m.t.Fatal(err)
				}
			}
		}
	}
	if err := m.replica.ReceiveState(m.origin.AppendState(nil), m.offset, now+m.offset); err != nil {
		m.t.Fatal(err)
	}
	m.origin.Flush(now)
	m.origin.Tick(now)
	m.replica.Flush(now + m.offset)
	m.replica.Tick(now + m.offset)
}

// same sees that both legs have sent the same.
func (m *wiredTo) same(atLeast int) {
	m.t.Helper()
	if len(m.atNear.raw) < atLeast || len(m.atNear.raw) != len(m.atFar.raw) {
		m.t.Fatalf("%d and %d packets", len(m.atNear.raw), len(m.atFar.raw))
	}
	for i := range m.atNear.raw {
		if !bytes.Equal(m.atNear.raw[i], m.atFar.raw[i]) {
			m.t.Fatalf("packet %d differs:\n%x\n%x", i, m.atNear.raw[i], m.atFar.raw[i])
		}
	}
}

func TestReplicaOnAnotherNodeSendsWhatItsOriginDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	m := &wiredTo{mirrored: newMirrored(t, codec.VP8, 3), t: t}
	now := start
	for n := range 3000 {
		for layer := range 3 {
			id := uint16(65000 + n + 500*layer)
			f := frame{seq: id, ts: uint32(3000 * n), keyframe: n%40 == 0, pictureID: id & 0x7fff, tl0: uint8(id), temporal: uint8(n % 2)}
			p := f.packet(layer, now)
			p.SSRC = uint32(1 + layer + 10*(n/700))
			p.Ext = packet.Extensions{
				Present:      packet.HasPlayoutDelay | packet.HasVideoOrientation | packet.HasMID,
				PlayoutDelay: packet.PlayoutDelay{Min: 1, Max: uint16(n % 4096)}, VideoOrientation: uint8(n % 16), MID: []byte("of the publisher"),
			}
			if random.IntN(10) > 0 {
				m.origin.Receive(layer, p)
			}
		}
		if n%500 == 250 {
			targets := Targets{Substream: random.IntN(3), Temporal: random.IntN(3)}
			m.near.SetTargets(targets, now)
			m.far.SetTargets(targets, now)
		}
		if n%1000 == 600 || n%1000 == 650 {
			m.origin.SetRelay(n%1000 == 650, now)
		}
		if n%100 == 99 {
			m.origin.SenderReport(n/100%3, packet.NTP(now-time.Hour), uint32(3000*n), now)
		}
		m.flush(now)
		now += 33 * time.Millisecond
	}
	m.same(1000)
	near, _ := m.near.SenderReport(now)
	far, ok := m.far.SenderReport(now)
	if !ok || near.RTPTime != far.RTPTime {
		t.Errorf("reports %v, not %v", far, near)
	}
}

// TestReplicaSpeaksOfItsOwnClock: what is sent does not depend on how far the nodes' clocks are apart, but for what tells
// the time.
func TestReplicaSpeaksOfItsOwnClock(t *testing.T) {
	const captureTime = 7
	m := &wiredTo{mirrored: newMirrored(t, codec.Opus, 1), t: t, offset: -5 * time.Minute}
	ids := packet.ExtensionIDs{AbsCaptureTime: captureTime, AudioLevel: 1}
	for _, at := range []*subscriber{m.atNear, m.atFar} {
		at.ids = ids
	}
	for _, l := range []*Leg{m.near, m.far} {
		cfg := l.cfg
		cfg.Extensions = ids
		l.Reconfigure(cfg)
	}
	m.origin.SenderReport(0, packet.NTP(start-time.Hour), 0, start)
	capture := start - time.Hour // on the publisher's clock
	for n := range uint16(100) {
		now := start + time.Duration(n)*20*time.Millisecond
		m.origin.Receive(0, &packet.Packet{
			Header: packet.Header{SSRC: 1, Seq: n, Timestamp: 960 * uint32(n)}, Payload: []byte{1, 2}, Arrival: now,
			Ext: packet.Extensions{
				Present: packet.HasAbsCaptureTime | packet.HasAudioLevel, AudioLevel: packet.AudioLevel{Level: uint8(n), Voice: n%2 == 0},
				AbsCaptureTime: packet.AbsCaptureTime{NTP: packet.NTP(capture), HasOffset: true},
			},
		})
		if n == 1 {
			m.origin.SenderReport(0, packet.NTP(now-time.Hour), 960, now)
		}
		m.flush(now)
	}
	if len(m.atNear.sent) != 100 || len(m.atFar.sent) != 100 {
		t.Fatalf("%d and %d packets", len(m.atNear.sent), len(m.atFar.sent))
	}
	for i := range m.atNear.sent {
		near, far := &m.atNear.sent[i], &m.atFar.sent[i]
		if near.Header != far.Header || near.Ext.AudioLevel != far.Ext.AudioLevel || near.Ext.AbsCaptureTime.NTP != far.Ext.AbsCaptureTime.NTP {
			t.Fatalf("%+v, not %+v", far, near)
		}
		apart := near.Ext.AbsCaptureTime.Offset - far.Ext.AbsCaptureTime.Offset
		if d := apart - packet.FixedPoint(m.offset); d < -4 || d > 4 {
			t.Fatalf("offsets are %d apart, not %d", apart, packet.FixedPoint(m.offset))
		}
	}
	near, _ := m.near.SenderReport(start + 2*time.Second)
	far, ok := m.far.SenderReport(start + 2*time.Second + m.offset)
	apart := packet.FromNTP(near.NTPTime) - packet.FromNTP(far.NTPTime)
	if !ok || near.RTPTime != far.RTPTime || (apart+m.offset).Abs() > 10 {
		t.Errorf("reports %v, %v", near, far)
	}
}

func TestReplicaOnAnotherNodeKeepsDependencyDescriptors(t *testing.T) {
	p := new(publisher)
	s := NewStream(p.config(codec.AV1, 1))
	replica := NewStream(s.Config().Replica(p, new(PublisherClock)))
	for seq, descriptor := range [][]byte{{1, 2, 3}, {4, 5, 6, 7}} {
		in := frame{seq: uint16(seq)}.packet(0, start)
		in.Ext.DependencyDescriptor, in.Ext.Present = descriptor, packet.HasDependencyDescriptor
		s.Receive(0, in)
		b := s.AppendPacket(nil, 0, s.layers[0].highest)
		if err := replica.ReceivePacket(b, 0, start); err != nil {
			t.Fatal(err)
		}
		clear(b)
		here, there := s.layers[0].ring.get(s.layers[0].highest), replica.layers[0].ring.get(replica.layers[0].highest)
		if there == nil || !bytes.Equal(there.dependencies, descriptor) || there.desc != here.desc {
			t.Errorf("packet %d: %+v, not %+v", seq, there, here)
		}
	}
}

func TestRedundancyGoesToOtherNodes(t *testing.T) {
	p := new(publisher)
	s := NewStream(p.config(codec.Opus, 1))
	replica := NewStream(s.Config().Replica(p, new(PublisherClock)))
	in := frame{seq: 1}.packet(0, start)
	in.Payload = []byte{0x80 | 111, 0, 0, 2, 111, 'a', 'b', 'c'}
	s.ReceiveRED(0, in, 111)
	b := s.AppendPacket(nil, 0, s.layers[0].highest)
	if err := replica.ReceivePacket(b, 0, start); err != nil {
		t.Fatal(err)
	}
	if got := replica.layers[0].ring.get(replica.layers[0].highest); got.red != 7 || !bytes.Equal(got.payload, in.Payload) {
		t.Errorf("%+v", got)
	}
	for at, wrong := range map[int]byte{35: 6, 34: 1, wireHeader: 0x80 | 112} {
		bad := bytes.Clone(b)
		bad[at] = wrong
		if replica.ReceivePacket(bad, 0, start) == nil {
			t.Errorf("byte %d may be %d", at, wrong)
		}
	}
}

func TestWhatALayerBeginsWith(t *testing.T) {
	s, p, _, _ := connected(t, codec.VP8, 1)
	for seq := range uint16(20) {
		give(s, 0, frame{seq: seq, keyframe: seq == 10}, start+time.Duration(seq)*time.Millisecond)
	}
	first, highest := s.Holds(0)
	now := start + 20*time.Millisecond
	for name, c := range map[string]struct{ first, highest, want uint64 }{
		"nothing held":        {0, 0, first + 10},
		"some held":           {first, highest - 5, highest - 4},
		"all held":            {first, highest, highest + 1},
		"of another source":   {first + 1, highest - 5, first + 10},
		"more than there is":  {first, highest + 1, highest + 1},
		"before it had begun": {first, first - 1, first + 10},
	} {
		if got := s.From(0, c.first, c.highest, now); got != c.want {
			t.Errorf("%s: %d, not %d", name, got, c.want)
		}
	}
	asked := len(p.plis)
	if got := s.From(0, 0, 0, now+time.Minute); got != highest+1 || len(p.plis) != asked+1 {
		t.Errorf("long after the key frame: %d, %d requests", got, len(p.plis)-asked)
	}
}

func TestLayersAreWantedThatLegsMayRelay(t *testing.T) {
	var told []uint8
	p := new(publisher)
	cfg := p.config(codec.VP8, 3)
	cfg.Wanted = func(layers uint8) { told = append(told, layers) }
	s := NewStream(cfg)
	l, _ := newLeg(t, codec.VP8)
	other, _ := newLeg(t, codec.VP8)
	for _, step := range []struct {
		what string
		do   func()
		want []uint8
	}{
		{"a leg that does not flow", func() { l.Connect(s, start) }, nil},
		{"flows", func() { l.SetFlowing(true, start) }, []uint8{7}},
		{"the lowest will do", func() { l.SetTargets(Targets{Substream: 0}, start) }, []uint8{1}},
		{"again", func() { l.SetTargets(Targets{Substream: 0}, start) }, nil},
		{"no room", func() { l.Allow(Allowance{Paused: true}, true, start) }, nil},
		{"another is expected", func() { other.Expect(LegState{Targets: Targets{Substream: 1}}); other.Connect(s, start) }, []uint8{3}},
		{"it leaves", func() { other.Disconnect(start) }, []uint8{1}},
		{"nobody", func() { l.SetFlowing(false, start) }, []uint8{0}},
	} {
		told = nil
		if step.do(); !bytes.Equal(told, step.want) {
			t.Errorf("%s: %v, not %v", step.what, told, step.want)
		}
	}
}

// TestALayerIsWantedUntilTheLegHasLeftIt for a lower one, which takes a key frame.
func TestALayerIsWantedUntilTheLegHasLeftIt(t *testing.T) {
	s, _, l, _ := connected(t, codec.VP8, 3)
	now := start
	for n := range uint16(10) {
		for layer := range 3 {
			s.Receive(layer, frame{seq: n, keyframe: n == 0}.packet(layer, now))
		}
		s.Flush(now)
		s.Tick(now)
		now += 100 * time.Millisecond
	}
	l.SetTargets(Targets{Substream: 0}, now)
	if got := s.WantedLayers(); l.choice.current == 0 || got != 1<<(l.choice.current+1)-1 {
		t.Errorf("layers %b with layer %d", got, l.choice.current)
	}
	give(s, 0, frame{seq: 10, keyframe: true}, now)
	if got := s.WantedLayers(); got != 1 {
		t.Errorf("layers %b", got)
	}
}

// TestALegMovesToAReplicaOfItsSource: it goes on with the next packet, whatever that is, and says nothing twice.
func TestALegMovesToAReplicaOfItsSource(t *testing.T) {
	s, p, l, sub := connected(t, codec.VP8, 1)
	replica := NewStream(s.Config().Replica(new(publisher), new(PublisherClock)))
	for seq := range uint16(20) {
		now := start + time.Duration(seq)*time.Millisecond
		s.Receive(0, frame{seq: seq, keyframe: seq == 0}.packet(0, now))
		switch seq {
		case 8:
			l.Move(nil, now) // gets this one later
		case 9:
			l.Move(replica, now)
		}
		_, highest := s.Holds(0)
		if err := replica.ReceivePacket(s.AppendPacket(nil, 0, highest), 0, now); seq >= 9 && err != nil {
			t.Fatal(err)
		}
		s.Flush(now)
		replica.Flush(now)
	}
	for i, seq := range sub.seqs() {
		if seq != i {
			t.Errorf("packet %d is sent as %d", i, seq)
		}
	}
	if n := len(sub.sent); n != 20 {
		t.Fatalf("%d packets", n)
	}
	l.HandleNACK([]uint16{sub.sent[3].Seq}, start+time.Second) // of before
	if last := sub.sent[len(sub.sent)-1]; last.SSRC != rtxSSRC {
		t.Error("a NACK is not answered")
	}
	if len(p.plis) > 0 {
		t.Errorf("%d key frames are asked for", len(p.plis))
	}
}

func TestThePathBetweenNodesAllocatesNothing(t *testing.T) {
	s := NewStream(new(publisher).config(codec.VP8, 1))
	replica := NewStream(s.Config().Replica(new(publisher), new(PublisherClock)))
	var far sink
	l := NewLeg(LegConfig{Codec: codec.VP8, Sender: &far, Observer: &far})
	l.Connect(replica, start)
	l.SetFlowing(true, start)
	p := frame{keyframe: true}.packet(0, start)
	p.Ext = packet.Extensions{Present: packet.HasPlayoutDelay | packet.HasAudioLevel}
	room := make([]byte, 0, 2000)
	burst := func() {
		for range 4 {
			s.Receive(0, p)
			p.Seq++
			p.Arrival += 3 * time.Millisecond
		}
		for _, seq := range s.Received(0) {
			if replica.ReceivePacket(s.AppendPacket(room, 0, seq), 0, p.Arrival) != nil {
				t.Error("not taken")
			}
		}
		if replica.ReceiveState(s.AppendState(room), 0, p.Arrival) != nil {
			t.Error("state not taken")
		}
		s.Flush(p.Arrival)
		replica.Flush(p.Arrival)
	}
	for range 1000 {
		burst() // rings grow to their size
	}
	far.packets = 0
	if allocs := testing.AllocsPerRun(500, burst); allocs > 0 {
		t.Errorf("%v allocations a burst", allocs)
	}
	if far.packets < 2000 {
		t.Errorf("%d packets", far.packets)
	}
}

func FuzzReceivePacket(f *testing.F) {
	s := NewStream(new(publisher).config(codec.VP8, 2))
	in := frame{seq: 7, keyframe: true}.packet(1, start)
	in.Ext = packet.Extensions{
		Present:        packet.HasPlayoutDelay | packet.HasAbsCaptureTime | packet.HasDependencyDescriptor | packet.HasAudioLevel,
		AbsCaptureTime: packet.AbsCaptureTime{HasOffset: true}, DependencyDescriptor: []byte{1, 2, 3},
	}
	s.Receive(1, in)
	_, highest := s.Holds(1)
	f.Add(s.AppendPacket(nil, 1, highest), s.AppendState(nil), uint8(codec.VP8))
	f.Add(s.AppendPacket(nil, 1, highest), s.AppendState(nil), uint8(codec.AV1))
	red := s.AppendPacket(nil, 1, highest)
	red[35] = 1 // it is none
	f.Add(red, s.AppendState(nil), uint8(codec.Opus))
	f.Fuzz(func(t *testing.T, p, state []byte, c uint8) {
		format := codec.Codec(c % uint8(codec.AV1+1))
		replica := NewStream(new(publisher).config(format, 2).Replica(new(publisher), new(PublisherClock)))
		var far sink
		l := NewLeg(LegConfig{
			Codec: format, Sender: &far, Observer: &far, RTXSSRC: 2, RTXPayloadType: 3, RED: 4, NACK: true,
			Extensions: packet.ExtensionIDs{DependencyDescriptor: 5, PlayoutDelay: 6},
		})
		l.Connect(replica, start)
		l.SetFlowing(true, start)
		for i := range 4 {
			now := start + time.Duration(i)*time.Second
			_ = replica.ReceiveState(state, 0, now)
			_ = replica.ReceivePacket(p, 0, now)
			replica.Flush(now)
			replica.Tick(now)
			l.HandleNACK([]uint16{uint16(l.end.last)}, now)
			if len(p) > wireHeader { // the next, and far later ones
				binary.BigEndian.PutUint64(p[6:], binary.BigEndian.Uint64(p[6:])+1<<(15*i))
			}
		}
	})
}
