package forward

import (
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

// simulcast sends frames of three VP8 layers as a browser does: all layers of a frame at once.
type simulcast struct {
	s      *Stream
	at     time.Duration
	n      int
	active [3]bool
}

func (c *simulcast) frames(n int, key bool) {
	for i := range n {
		for layer := range 3 {
			if c.active[layer] {
				// A layer's numbers have nothing to do with another's.
				id := uint16(1000*layer + c.n)
				c.s.Receive(layer, frame{
					seq: id, ts: uint32(1<<20*layer + 2970*c.n), keyframe: key && i == 0, pictureID: id, tl0: uint8(id),
				}.packet(layer, c.at))
			}
		}
		c.s.Flush(c.at)
		c.s.Tick(c.at)
		c.n++
		c.at += frameTime
	}
}

func newSimulcast(t *testing.T) (*simulcast, *publisher, *Leg, *subscriber) {
	s, p, l, sub := connected(t, codec.VP8, 3)
	return &simulcast{s: s, at: start, active: [3]bool{true, true, true}}, p, l, sub
}

func (s *subscriber) checkContinuous(t *testing.T) {
	t.Helper()
	for i, seq := range s.seqs() {
		if seq != i {
			t.Fatalf("packet %d has seq %d after the first", i, seq)
		}
		if i == 0 {
			continue
		}
		if d := int32(s.sent[i].Timestamp - s.sent[i-1].Timestamp); d <= 0 || d > 90000 {
			t.Fatalf("timestamp of packet %d advances by %d", i, d)
		}
		before, now := s.descriptor(i-1), s.descriptor(i)
		if now.PictureID != (before.PictureID+1)&0x7fff {
			t.Fatalf("picture id of packet %d is %d, after %d", i, now.PictureID, before.PictureID)
		}
	}
}

func TestTheBestLayerIsReachedByWayOfOthers(t *testing.T) {
	c, _, l, sub := newSimulcast(t)
	c.frames(10, true)
	if got, want := sub.substreams, []int{0, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("told of substreams %v, want %v", got, want)
	}
	if got := l.Stats().Substream; got != 2 {
		t.Errorf("relays %d, want 2", got)
	}
	sub.checkContinuous(t)
}

func TestSubstreamsChangeAtKeyframesOnly(t *testing.T) {
	c, p, l, sub := newSimulcast(t)
	c.frames(40, true)
	p.plis = nil
	l.SetTargets(Targets{Substream: 1, Temporal: 2}, c.at)
	if got, want := p.plis, []uint32{0x101}; !slices.Equal(got, want) {
		t.Errorf("asked %x for key frames, want %x", got, want)
	}
	c.frames(5, false)
	if got := l.Stats().Substream; got != 2 {
		t.Errorf("relays %d before the key frame, want 2", got)
	}
	c.frames(5, true)
	if got, want := sub.substreams, []int{0, 1, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("told of substreams %v, want %v", got, want)
	}
	sub.checkContinuous(t)
}

func TestAKeyframeThatDoesNotComeIsAskedForAgain(t *testing.T) {
	c, p, l, _ := newSimulcast(t)
	c.frames(40, true)
	p.plis = nil
	l.SetTargets(Targets{Substream: 0}, c.at)
	c.frames(100, false) // 3.3 s
	if got, want := p.plis, []uint32{0x100, 0x100, 0x100, 0x100}; !slices.Equal(got, want) {
		t.Errorf("asked %x for key frames, want %x", got, want)
	}
}

func TestASilentLayerIsStoodInForAndReturnedTo(t *testing.T) {
	c, p, l, sub := newSimulcast(t)
	c.frames(40, true)
	c.active[2] = false
	c.frames(5, false)
	p.plis = nil
	c.frames(5, false)
	if got, want := p.plis, []uint32{0x101}; !slices.Equal(got, want) {
		t.Errorf("asked %x for key frames after 250 ms, want %x", got, want)
	}
	c.frames(5, true)
	if got := l.Stats().Substream; got != 1 {
		t.Errorf("relays %d, want 1", got)
	}
	c.active[2] = true
	c.frames(40, false)
	c.frames(5, true)
	if got, want := sub.substreams, []int{0, 1, 2, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("told of substreams %v, want %v", got, want)
	}
	sub.checkContinuous(t)
}

// layered returns frame i of VP8 with three temporal layers: 0 2 1 2, every frame above 0 a switching point.
func layered(i int) frame {
	temporal := []uint8{0, 2, 1, 2}[i%4]
	return frame{
		seq: uint16(i), ts: uint32(i) * 3000, keyframe: i == 0, pictureID: uint16(i), tl0: uint8(i / 4),
		temporal: temporal, sync: i%4 == 1 || i%4 == 2,
	}
}

func TestCutTemporalLayersLeaveNoGap(t *testing.T) {
	for target, want := range [][]uint8{{0, 0, 0}, {0, 1, 0, 1, 0, 1}, {0, 2, 1, 2, 0, 2, 1, 2, 0, 2, 1, 2}} {
		s, _, l, sub := connected(t, codec.VP8, 3)
		l.SetTargets(Targets{Substream: 0, Temporal: target}, start)
		for i := range 12 {
			give(s, 0, layered(i), start+time.Duration(i)*frameTime)
		}
		var got []uint8
		for i := range sub.sent {
			got = append(got, sub.descriptor(i).Temporal)
		}
		if !slices.Equal(got, want) {
			t.Errorf("target %d: temporal layers %v, want %v", target, got, want)
		}
		sub.checkContinuous(t)
		if got, want := sub.temporals, []int{target}; !slices.Equal(got, want) {
			t.Errorf("target %d: told of %v, want %v", target, got, want)
		}
	}
}

func TestTemporalLayersComeBackAtSwitchingPoints(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 3)
	l.SetTargets(Targets{Temporal: 0}, start)
	for i := range 24 {
		if i == 8 {
			l.SetTargets(Targets{Temporal: 2}, start)
		}
		f := layered(i)
		f.sync = f.sync && i >= 12
		give(s, 0, f, start)
	}
	var got []uint8
	for i := range sub.sent {
		got = append(got, sub.descriptor(i).Temporal)
	}
	want := []uint8{0, 0, 0, 0, 1, 0, 2, 1, 2, 0, 2, 1, 2}
	if !slices.Equal(got, want) {
		t.Errorf("temporal layers %v, want %v", got, want)
	}
	if got, want := sub.temporals, []int{0, 2}; !slices.Equal(got, want) {
		t.Errorf("told of %v, want %v", got, want)
	}
}

func TestPlainStreamsAreNeverCut(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	l.SetTargets(Targets{}, start)
	for i := range 8 {
		give(s, 0, layered(i), start)
	}
	if len(sub.sent) != 8 || len(sub.temporals)+len(sub.substreams) != 0 {
		t.Errorf("sent %d of 8, told of %v %v", len(sub.sent), sub.substreams, sub.temporals)
	}
}
