package forward

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// heavy gives a layer packets of so many bytes for a second, with temporal layers 0 2 1 2 or without.
func heavy(s *Stream, layer, bytes int, layers bool, at time.Duration) {
	for i := range 60 {
		f := frame{seq: uint16(i), ts: uint32(1500 * i), keyframe: i == 0, pictureID: uint16(i)}
		if layers {
			f.temporal = []uint8{0, 2, 1, 2}[i%4]
		}
		p := f.packet(layer, at)
		p.Payload = append(p.Payload, make([]byte, bytes-len(p.Payload))...)
		s.Receive(layer, p)
		at += time.Second / 60
		s.Flush(at)
		s.Tick(at)
	}
}

// near is true if a rate is within a tenth of what it should be.
func near(got uint64, want float64) bool { return float64(got) > 0.9*want && float64(got) < 1.1*want }

func TestOptionsOfSimulcast(t *testing.T) {
	s, _, l, _ := connected(t, codec.VP8, 3)
	at := start + time.Second
	if o := l.AppendOptions(nil, at); len(o) != 0 {
		t.Errorf("%v before there is anything", o)
	}
	heavy(s, 0, 300, true, start)
	heavy(s, 1, 1000, false, start)
	got := l.AppendOptions(nil, at)
	whole := func(bytes int) float64 { return float64(60 * 8 * (bytes + packetOverhead)) }
	want := []struct {
		Targets
		bps float64
	}{
		{Targets{Substream: 0, Temporal: 0}, whole(300) / 4},
		{Targets{Substream: 0, Temporal: 1}, whole(300) / 2},
		{Targets{Substream: 0, Temporal: 2}, whole(300)},
		{Targets{Substream: 1, Temporal: 2}, whole(1000)},
	}
	for i, w := range want {
		if len(got) != len(want) || got[i].Targets != w.Targets || !near(got[i].BPS, w.bps) {
			t.Fatalf("options %+v, want %+v", got, want)
		}
	}
	l.SetTargets(Targets{Substream: 0, Temporal: 1}, at)
	if got := l.AppendOptions(nil, at); len(got) != 2 || got[1].Temporal != 1 {
		t.Errorf("options %+v beyond the targets", got)
	}
	if got := l.AppendOptions(nil, at+3*time.Second); len(got) != 0 {
		t.Errorf("options %+v of layers that are silent", got)
	}
	l.SetTargets(BestLayers, at)
	l.SetFlowing(false, at)
	if got := l.AppendOptions(nil, at); len(got) != 0 {
		t.Errorf("options %+v of a leg that is not to flow", got)
	}
}

func TestALayerThatCostsLessThanALowerOneTakesItsPlace(t *testing.T) {
	s, _, l, _ := connected(t, codec.VP8, 3)
	heavy(s, 0, 1000, false, start)
	heavy(s, 1, 500, false, start)
	if got := l.AppendOptions(nil, start+time.Second); len(got) != 1 || got[0].Substream != 1 {
		t.Errorf("options %+v", got)
	}
}

func TestOptionsOfSVCAndOfPlainStreams(t *testing.T) {
	cfg := new(publisher).config(codec.VP9, 1)
	cfg.SVC = true
	s := NewStream(cfg)
	l, _ := newLeg(t, codec.VP9)
	l.Connect(s, start)
	l.SetFlowing(true, start)
	at := start
	for i := range 60 {
		picture(s, i, uint8(i%2), i == 0, at)
		s.Tick(at)
		at += frameTime
	}
	var got []Targets
	var last uint64
	for _, o := range l.AppendOptions(nil, at) {
		got = append(got, o.Targets)
		if o.BPS <= last {
			t.Errorf("%+v costs %d after %d", o.Targets, o.BPS, last)
		}
		last = o.BPS
	}
	// With these rates, two of three spatial layers at half the frames cost no more than one at all of them.
	if want := []Targets{{TemporalLayer: 0}, {SpatialLayer: 1, TemporalLayer: 1}, {SpatialLayer: 2, TemporalLayer: 2}}; len(got) < 3 ||
		got[0] != want[0] || got[len(got)-1] != want[2] || !slices.IsSortedFunc(got, bySpatial) {
		t.Errorf("options %+v", got)
	}

	plain, _, leg, _ := connected(t, codec.VP8, 1)
	heavy(plain, 0, 1000, true, start)
	if got := leg.AppendOptions(nil, start+time.Second); len(got) != 1 || got[0].Allowance != Unlimited {
		t.Errorf("options %+v of a stream without layers", got)
	}
}

func bySpatial(a, b Targets) int { return a.SpatialLayer - b.SpatialLayer }

func TestWhatIsAllowedLimitsTheTargetsAndChangesNothingElse(t *testing.T) {
	c, p, l, sub := newSimulcast(t)
	c.frames(40, true)
	p.plis = nil
	l.Allow(Allowance{Targets: Targets{Substream: 0, Temporal: 2}}, false, c.at)
	if want := []uint32{0x100}; !slices.Equal(p.plis, want) {
		t.Errorf("asked %x for key frames, want %x", p.plis, want)
	}
	c.frames(5, false)
	if got := l.Stats().Substream; got != 2 {
		t.Errorf("relays %d before the key frame, want 2", got)
	}
	c.frames(5, true)
	l.SetTargets(Targets{Substream: 1, Temporal: 2}, c.at)
	c.frames(40, true)
	if got := l.Stats().Substream; got != 0 {
		t.Errorf("relays %d, want 0", got)
	}
	l.Allow(Unlimited, false, c.at)
	c.frames(5, true)
	if want := []int{0, 1, 2, 0, 1}; !slices.Equal(sub.substreams, want) {
		t.Errorf("told of substreams %v, want %v", sub.substreams, want)
	}
	sub.checkContinuous(t)
}

func TestALayerThatThereIsNoRoomForAtAllIsLeftAtOnce(t *testing.T) {
	c, _, l, sub := newSimulcast(t)
	c.frames(40, true)
	before := len(sub.sent)
	l.Allow(Allowance{Targets: Targets{Substream: 0, Temporal: 2}}, true, c.at)
	c.frames(5, false)
	if n := len(sub.sent) - before; n != 0 {
		t.Errorf("%d packets before the key frame", n)
	}
	c.frames(5, true)
	if got := l.Stats().Substream; got != 0 {
		t.Errorf("relays %d, want 0", got)
	}
	sub.checkContinuous(t)
}

func TestVideoWithoutRoomPausesAndComesBack(t *testing.T) {
	c, p, l, sub := newSimulcast(t)
	c.frames(40, true)
	paused := Allowance{Targets: Targets{}, Paused: true}
	l.Allow(paused, false, c.at)
	before := len(sub.sent)
	l.SetTargets(Targets{Substream: 1, Temporal: 2}, c.at)
	l.SetFlowing(true, c.at)
	c.frames(20, true)
	if n := len(sub.sent) - before; n != 0 {
		t.Errorf("%d packets while paused", n)
	}
	if o := l.AppendOptions(nil, c.at); len(o) == 0 {
		t.Error("no options while paused")
	}
	p.plis = nil
	l.Allow(Unlimited, false, c.at)
	if len(p.plis) == 0 {
		t.Error("no key frame was asked for")
	}
	c.frames(5, true)
	if got := l.Stats().Substream; got != 1 {
		t.Errorf("relays %d, want 1", got)
	}
	sub.checkContinuous(t)

	l.Allow(paused, false, c.at)
	l.SetFlowing(false, c.at)
	l.Allow(Unlimited, false, c.at)
	before = len(sub.sent)
	c.frames(5, true)
	if n := len(sub.sent) - before; n != 0 {
		t.Errorf("%d packets that nobody wants", n)
	}
}

func TestAllowancesAreCompared(t *testing.T) {
	low, mid := Allowance{Targets: Targets{Temporal: 2}}, Allowance{Targets: Targets{Substream: 1, Temporal: 1}}
	paused := Allowance{Paused: true}
	for _, c := range []struct {
		a, b Allowance
		want bool
	}{
		{Unlimited, mid, true}, {mid, Unlimited, false}, {mid, low, true}, {low, mid, false}, {low, low, true},
		{mid, Allowance{Targets: Targets{Substream: 1, Temporal: 2}}, false}, {paused, low, false}, {low, paused, true}, {paused, paused, true},
		{Allowance{Targets: Targets{SpatialLayer: 1}}, Allowance{Targets: Targets{TemporalLayer: 2}}, true},
	} {
		if got := c.a.Covers(&c.b); got != c.want {
			t.Errorf("%+v covers %+v: %v", c.a, c.b, got)
		}
	}
}

func TestPaddingRepeatsWhatWasSentOnTheRTXStream(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	for i := range 10 {
		give(s, 0, frame{seq: uint16(i), ts: uint32(3000 * i), keyframe: i == 0, pictureID: uint16(i)}, start)
	}
	media := slices.Clone(sub.sent)
	if n := l.Pad(2000, start); n < 2000 || n > 2600 {
		t.Errorf("%d bytes", n)
	}
	seqs := map[uint16]bool{}
	for _, p := range sub.sent[len(media):] {
		if p.SSRC != rtxSSRC || seqs[p.Seq] || !p.Ext.Present.Has(packet.HasTransportCC) {
			t.Errorf("padding %+v", p.Header)
		}
		seqs[p.Seq] = true
		if len(p.Payload) == 0 {
			continue
		}
		original := binary.BigEndian.Uint16(p.Payload)
		i := slices.IndexFunc(media, func(m packet.Packet) bool { return m.Seq == original })
		if i < 0 || !slices.Equal(media[i].Payload, p.Payload[2:]) || media[i].Timestamp != p.Timestamp {
			t.Errorf("repeats %d, which was not sent so", original)
		}
	}
	if stats := l.Stats(); stats.Packets != 10 || stats.Retransmitted != 0 || stats.Padding == 0 {
		t.Errorf("%+v", stats)
	}
	give(s, 0, frame{seq: 10, ts: 30000, pictureID: 10}, start)
	sub.sent = append(media, sub.sent[len(sub.sent)-1])
	sub.checkContinuous(t)
}

func TestPaddingWithoutPacketsIsPaddingOnly(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	if n := l.Pad(1000, start); n != 0 {
		t.Errorf("%d bytes before anything was sent", n)
	}
	give(s, 0, frame{keyframe: true}, start)
	l.Disconnect(start)
	if n := l.Pad(500, start); n < 500 {
		t.Errorf("%d bytes", n)
	}
	for i, p := range sub.sent[1:] {
		if raw := sub.raw[1+i]; p.SSRC != rtxSSRC || len(p.Payload) != 0 || raw[0]&0x20 == 0 || raw[len(raw)-1] != 255 {
			t.Errorf("padding %x", raw)
		}
	}
	l.SetFlowing(false, start)
	if n := l.Pad(500, start); n != 0 {
		t.Errorf("%d bytes on a leg that is not to flow", n)
	}
}

func TestNothingIsPaddedWithoutRTX(t *testing.T) {
	s := NewStream(new(publisher).config(codec.VP8, 1))
	sub := &subscriber{t: t}
	l := NewLeg(LegConfig{Codec: codec.VP8, SSRC: legSSRC, Sender: sub, Observer: sub})
	l.Connect(s, start)
	l.SetFlowing(true, start)
	give(s, 0, frame{keyframe: true}, start)
	if n := l.Pad(500, start); n != 0 || len(sub.sent) != 1 {
		t.Errorf("%d bytes in %d packets", n, len(sub.sent)-1)
	}
}

func TestAllowingAndPaddingAllocateNothing(t *testing.T) {
	s := NewStream(new(publisher).config(codec.VP8, 3))
	var far sink
	l := NewLeg(LegConfig{Codec: codec.VP8, SSRC: 1, RTXSSRC: 9, NACK: true, Sender: &far, Observer: &far, MID: "0"})
	l.Connect(s, start)
	l.SetFlowing(true, start)
	heavy(s, 0, 300, true, start)
	heavy(s, 1, 1000, true, start)
	at := start + time.Second
	var options []Option
	if n := testing.AllocsPerRun(100, func() {
		options = l.AppendOptions(options[:0], at)
		for _, o := range options {
			l.Allow(o.Allowance, true, at)
		}
		l.Pad(3000, at)
	}); n != 0 || len(options) == 0 {
		t.Errorf("%v allocations, %d options", n, len(options))
	}
}
