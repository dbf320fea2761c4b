package forward

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// TestNoSequenceNumberIsEverUsedForTwoPackets has a hostile publisher send whatever it likes, while the subscriber
// asks for anything again. SRTP makes its nonce of SSRC and sequence number: were one used for two different packets,
// the key would be open to forgery.
func TestNoSequenceNumberIsEverUsedForTwoPackets(t *testing.T) {
	for name, rtx := range map[string]uint32{"with RTX": rtxSSRC, "without RTX": 0} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { hostile(t, rt, rtx) })
		})
	}
}

func hostile(t *testing.T, rt *rapid.T, rtx uint32) {
	s := NewStream(new(publisher).config(codec.VP8, 2))
	sub := &subscriber{t: t, ids: packet.ExtensionIDs{MID: 1, TransportCC: 2, AbsSendTime: 3, PlayoutDelay: 5}}
	l := NewLeg(LegConfig{
		Codec: codec.VP8, SSRC: legSSRC, PayloadType: 96, RTXSSRC: rtx, RTXPayloadType: 97, NACK: true,
		Extensions: sub.ids, MID: "v", Sender: sub, Observer: sub,
	})
	l.Connect(s, start)
	l.SetFlowing(true, start)

	seq := rapid.SampledFrom([]uint16{0, 1, 32767, 32768, 65535}).Draw(rt, "first")
	content, at := byte(0), start
	var early *StreamState // what another node knows already
	var kept *valueKept
	for range rapid.IntRange(1, 300).Draw(rt, "steps") {
		switch rapid.SampledFrom([]string{"packet", "packet", "packet", "packet", "flush", "NACK", "targets", "flow", "delay", "allow", "pad", "snapshot", "move", "follow", "keep", "crash"}).Draw(rt, "step") {
		case "packet":
			seq += rapid.SampledFrom([]uint16{1, 1, 1, 1, 2, 3, 0, 65535, 65533, 65536 - 130, 65536 - 300, 200, 300, 20000, 32000}).Draw(rt, "seq step")
			content++
			f := frame{
				seq: seq, ts: rapid.Uint32().Draw(rt, "ts"), keyframe: rapid.Bool().Draw(rt, "keyframe"), pictureID: seq & 0x7fff,
				temporal: rapid.Uint8Range(0, 3).Draw(rt, "temporal"),
			}
			p := f.packet(rapid.IntRange(0, 1).Draw(rt, "layer"), at)
			p.Payload = append(p.Payload, content) // differs even if all else is the same
			switch rapid.IntRange(0, 12).Draw(rt, "kind") {
			case 0:
				p.SSRC += 7
			case 1:
				p.Payload = nil
			case 2:
				p.Payload = append([]byte{byte(seq >> 8), byte(seq)}, p.Payload...)
				s.ReceiveRTX(0, p)
				continue
			}
			s.Receive(int(p.SSRC)%2, p)
		case "flush":
			s.Flush(at)
			s.Tick(at)
		case "NACK":
			if n := len(sub.sent); n > 0 {
				q := sub.sent[rapid.IntRange(max(0, n-300), n-1).Draw(rt, "which")].Seq + rapid.Uint16Range(0, 3).Draw(rt, "beside it")
				l.HandleNACK([]uint16{q}, at)
			}
		case "snapshot":
			state := s.Export()
			early = &state
		case "move":
			if early == nil {
				continue
			}
			s, l = moved(s, l, new(publisher), *early)
			early, kept = nil, nil
		case "follow":
			if early == nil {
				continue
			}
			s = followed(s, l, new(publisher), *early)
			early, kept = nil, nil
		case "keep":
			kept = keepValue(s, l)
		case "crash":
			if kept == nil || !kept.covers(l) {
				continue
			}
			s, l = kept.succeed(s, l, new(publisher))
			early, kept = nil, nil
		case "targets":
			l.SetTargets(Targets{Substream: rapid.IntRange(0, 1).Draw(rt, "substream"), Temporal: rapid.IntRange(0, 2).Draw(rt, "temporal")}, at)
		case "flow":
			l.SetFlowing(rapid.Bool().Draw(rt, "flowing"), at)
		case "allow":
			a := Unlimited
			a.Substream, a.Temporal = rapid.IntRange(0, 1).Draw(rt, "allowed"), rapid.IntRange(0, 2).Draw(rt, "allowed temporal")
			a.Paused = rapid.IntRange(0, 3).Draw(rt, "paused") == 0
			l.Allow(a, rapid.Bool().Draw(rt, "at once"), at)
		case "pad":
			l.Pad(rapid.IntRange(0, 5000).Draw(rt, "padding"), at)
		case "delay":
			d := packet.PlayoutDelay{Max: rapid.Uint16Range(0, 9).Draw(rt, "max")}
			if rapid.Bool().Draw(rt, "whose") {
				l.SetPlayoutDelay(&d)
			} else {
				s.SetPlayoutDelay(&d)
			}
		}
		at += time.Duration(rapid.SampledFrom([]int{0, 1, 30, 1500}).Draw(rt, "ms")) * time.Millisecond
	}
	checkNonces(rt, sub)
}

// checkNonces fails if an SSRC and SRTP index were sent with two contents. The index is what both ends make of 16 bits
// of it (RFC 3711, section 3.3.1), which is what an Extender does.
func checkNonces(rt *rapid.T, sub *subscriber) {
	type index struct {
		ssrc uint32
		seq  uint64
	}
	extenders := map[uint32]*packet.Extender{}
	used := map[index][]byte{}
	for i, q := range sub.sent {
		x := extenders[q.SSRC]
		if x == nil {
			x = new(packet.Extender)
			extenders[q.SSRC] = x
		}
		at := index{q.SSRC, x.Extend(q.Seq)}
		if before, ok := used[at]; ok && !bytes.Equal(before, sub.raw[i]) {
			rt.Fatalf("packet %d: seq %d of %x is used for\n%x and\n%x", i, q.Seq, q.SSRC, before, sub.raw[i])
		}
		used[at] = sub.raw[i]
	}
}
