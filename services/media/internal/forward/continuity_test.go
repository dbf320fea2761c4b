package forward

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// encoder makes the frames of one simulcast layer, with three temporal layers.
type encoder struct {
	n         int
	seq       uint16
	pictureID uint16
	tl0       uint8
	ts        uint32
	keyframe  bool // the next frame is one
}

func (e *encoder) next() frame {
	if e.keyframe {
		e.n, e.keyframe = 0, false
	}
	f := layered(e.n)
	e.n++
	e.seq++
	e.pictureID++
	e.ts += 3000
	if f.temporal == 0 {
		e.tl0++
	}
	f.seq, f.ts, f.pictureID, f.tl0 = e.seq, e.ts, e.pictureID&0x7fff, e.tl0
	return f
}

// TestWhatIsSentIsOneContinuousStream drives a leg through everything that can happen to it: packets lost, late and
// doubled, layers that change, pause and fall silent, pauses, other sources. Whatever happens, no sequence number is
// used for two packets (SRTP could not bear it), what is sent in order advances, and if nothing was lost there are no
// gaps.
func TestWhatIsSentIsOneContinuousStream(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		t.Run(fmt.Sprintf("lossy=%t", lossy), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { continuity(t, rt, lossy) })
		})
	}
}

func continuity(t *testing.T, rt *rapid.T, lossy bool) {
	edge := rapid.SampledFrom([]uint16{0, 1, 32767, 32768, 65535})
	p := new(publisher)
	sources := [2]*Stream{NewStream(p.config(codec.VP8, 3)), NewStream(p.config(codec.VP8, 3))}
	var encoders [2][3]encoder
	for i := range encoders {
		for j := range encoders[i] {
			first := edge.Draw(rt, "first")
			encoders[i][j] = encoder{keyframe: true, seq: first, pictureID: first, tl0: uint8(first), ts: uint32(first) << 16}
		}
	}
	l, sub := newLeg(t, codec.VP8)
	l.Connect(sources[0], start)
	l.SetFlowing(true, start)

	type held struct {
		layer int
		p     *packet.Packet
	}
	var late []held
	current, at := 0, start
	give := func(layer int, q *packet.Packet) {
		q.Arrival = at
		sources[current].Receive(layer, q)
	}
	for range rapid.IntRange(1, 80).Draw(rt, "steps") {
		switch rapid.SampledFrom([]string{"frames", "frames", "frames", "frames", "targets", "keyframes", "pause", "source", "padding"}).Draw(rt, "step") {
		case "targets":
			l.SetTargets(Targets{Substream: rapid.IntRange(0, 2).Draw(rt, "substream"), Temporal: rapid.IntRange(0, 2).Draw(rt, "temporal")}, at)
		case "keyframes":
			for layer := range 3 {
				encoders[current][layer].keyframe = true
			}
		case "pause":
			l.SetFlowing(rapid.Bool().Draw(rt, "flowing"), at)
		case "source":
			current = 1 - current
			late = nil
			l.Connect(sources[current], at)
		case "padding":
			e := &encoders[current][0]
			e.seq++
			q := frame{seq: e.seq, ts: e.ts}.packet(0, at)
			q.Payload = nil
			give(0, q)
		case "frames":
			for layer := range rapid.IntRange(1, 3).Draw(rt, "layers") {
				for range rapid.IntRange(1, 4).Draw(rt, "frames") {
					q := encoders[current][layer].next().packet(layer, at)
					fate := "arrives"
					if lossy {
						fate = rapid.SampledFrom([]string{"arrives", "arrives", "arrives", "is late", "is doubled", "is lost"}).Draw(rt, "fate")
					}
					switch fate {
					case "is late":
						late = append(late, held{layer, q})
					case "is doubled":
						give(layer, q)
						give(layer, q)
					case "arrives":
						give(layer, q)
					}
				}
			}
			if len(late) > 0 && rapid.Bool().Draw(rt, "the late come") {
				for _, h := range late {
					give(h.layer, h.p)
				}
				late = nil
			}
		}
		sources[current].Flush(at)
		sources[current].Tick(at)
		at += time.Duration(rapid.IntRange(1, 400).Draw(rt, "ms")) * time.Millisecond
	}
	checkStream(rt, sub, lossy)
}

func checkStream(rt *rapid.T, sub *subscriber, lossy bool) {
	var x packet.Extender
	var highest uint64
	var foremost packet.Packet
	used := map[uint64]bool{}
	for i, q := range sub.sent {
		seq := x.Extend(q.Seq)
		if used[seq] {
			rt.Fatalf("packet %d has the seq of another, %d", i, q.Seq)
		}
		used[seq] = true
		if !lossy && highest != 0 && seq != highest+1 {
			rt.Fatalf("packet %d has seq %d, after %d, and nothing was lost", i, seq, highest)
		}
		if seq < highest {
			continue
		}
		if d := int32(q.Timestamp - foremost.Timestamp); highest != 0 && d <= 0 {
			rt.Fatalf("timestamp of packet %d advances by %d", i, d)
		}
		if !lossy && i > 0 {
			before, now := sub.descriptor(i-1), sub.descriptor(i)
			if now.PictureID != (before.PictureID+1)&0x7fff {
				rt.Fatalf("picture id of packet %d is %d, after %d", i, now.PictureID, before.PictureID)
			}
			if step := now.TL0PICIDX - before.TL0PICIDX; step > 1 || now.Temporal == 0 && step != 1 {
				rt.Fatalf("TL0PICIDX of packet %d advances by %d", i, step)
			}
		}
		highest, foremost = seq, q
	}
}
