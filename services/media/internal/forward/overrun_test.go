package forward

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

func TestLegGoesOnAtAKeyframeAfterAnOverrun(t *testing.T) {
	s, p, l, sub := connected(t, codec.VP8, 1)
	now := start
	next := uint16(0)
	frameOf := func(keyframe bool) {
		give(s, 0, frame{seq: next, ts: 3000 * uint32(next), keyframe: keyframe, pictureID: next}, now)
		next++
		now += 33 * time.Millisecond
	}
	frameOf(true)
	frameOf(false)
	plis := len(p.plis)
	l.Overrun(now)
	if len(p.plis) != plis+1 {
		t.Errorf("%d requests for a key frame", len(p.plis)-plis)
	}
	frameOf(false)
	frameOf(false)
	l.Overrun(now) // of another's packets: nothing was sent
	frameOf(true)
	frameOf(false)
	if n := len(sub.sent); n != 4 {
		t.Errorf("%d frames sent", n)
	}
	sub.checkContinuous(t)
	stats := l.Stats()
	if stats.Dropped[DropNoKeyframe] != 2 || stats.Overruns != 1 {
		t.Errorf("%d left out after %d overruns", stats.Dropped[DropNoKeyframe], stats.Overruns)
	}
}

func TestOverrunOfAnUpperTemporalLayerCostsThatLayerOnly(t *testing.T) {
	s, p, l, sub := connected(t, codec.VP8, 3) // layers are cut of simulcast only
	now := start
	next := uint16(0)
	frameOf := func(temporal uint8, keyframe, sync bool) (sent bool) {
		before := len(sub.sent)
		give(s, 0, frame{
			seq: next, ts: 3000 * uint32(next), keyframe: keyframe, pictureID: next, tl0: uint8(next / 2), temporal: temporal, sync: sync,
		}, now)
		next++
		now += 20 * time.Millisecond
		return len(sub.sent) > before
	}
	frameOf(0, true, false)
	if !frameOf(1, false, true) {
		t.Fatal("the upper layer is not sent")
	}
	plis := len(p.plis)
	l.Overrun(now)
	for i, c := range []struct {
		temporal uint8
		sync     bool
		sent     bool
	}{{0, false, true}, {1, false, false}, {0, false, true}, {1, true, true}} {
		if got := frameOf(c.temporal, false, c.sync); got != c.sent {
			t.Errorf("frame %d after the overrun: sent %v", i, got)
		}
	}
	if len(p.plis) != plis {
		t.Error("a key frame is asked for")
	}
}

func TestOverrunLeavesAudioAlone(t *testing.T) {
	s, _, l, sub := connected(t, codec.Opus, 1)
	for n := range uint16(3) {
		give(s, 0, frame{seq: n, ts: 960 * uint32(n)}, start)
		l.Overrun(start)
	}
	if len(sub.sent) != 3 {
		t.Errorf("%d packets", len(sub.sent))
	}
}
