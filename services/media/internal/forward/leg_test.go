package forward

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const frameTime = 33 * time.Millisecond

func TestVideoStartsAtAKeyframe(t *testing.T) {
	s, p, _, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, ts: 1000}, start)
	s.Tick(start)
	if len(sub.sent) != 0 {
		t.Fatalf("sent %d packets before a key frame", len(sub.sent))
	}
	if len(p.plis) != 1 {
		t.Fatalf("asked for a key frame %d times, want 1", len(p.plis))
	}
	give(s, 0, frame{seq: 11, ts: 4000, keyframe: true}, start+frameTime)
	give(s, 0, frame{seq: 12, ts: 7000}, start+2*frameTime)
	if got := sub.seqs(); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("sent %v, want 0 and 1", got)
	}
	first := sub.sent[0]
	if first.SSRC != legSSRC || first.PayloadType != 96 || !first.Marker || string(first.Ext.MID) != "v" || first.Ext.TransportSeq != 1 {
		t.Errorf("first packet is %+v", first)
	}
}

func TestOpaqueVideoOfOneLayerStartsAnywhere(t *testing.T) {
	p := new(publisher)
	cfg := p.config(codec.VP8, 1)
	cfg.Opaque = true
	s := NewStream(cfg)
	l, sub := newLeg(t, codec.VP8)
	l.Connect(s, start)
	l.SetFlowing(true, start)
	give(s, 0, frame{seq: 10}, start)
	if len(sub.sent) != 1 {
		t.Errorf("sent %d packets, want 1", len(sub.sent))
	}
}

func TestSequenceGoesOnOverWraps(t *testing.T) {
	for _, first := range []uint16{0, 1, 32767, 32768, 65535} {
		s, _, _, sub := connected(t, codec.VP8, 1)
		var want []int
		for i := range 5 {
			give(s, 0, frame{seq: first + uint16(i), ts: uint32(i) * 3000, keyframe: i == 0, pictureID: first + uint16(i)}, start+time.Duration(i)*frameTime)
			want = append(want, i)
		}
		if got := sub.seqs(); !slices.Equal(got, want) {
			t.Errorf("from %d: sent %v, want %v", first, got, want)
		}
	}
}

func TestReorderedAndDuplicatePacketsKeepTheirPlaces(t *testing.T) {
	s, _, _, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 100, keyframe: true}, start)
	for _, seq := range []uint16{103, 101, 101, 104, 102, 103} {
		give(s, 0, frame{seq: seq, ts: uint32(seq)}, start)
	}
	if got, want := sub.seqs(), []int{0, 3, 1, 4, 2}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	if got := s.Stats(0); got.Duplicates != 2 || got.Lost != 2 || got.Recovered != 2 {
		t.Errorf("stats are %+v", got)
	}
}

func TestABurstIsPutInOrder(t *testing.T) {
	s, _, _, sub := connected(t, codec.VP8, 1)
	for _, seq := range []uint16{102, 100, 101, 103} {
		s.Receive(0, frame{seq: seq, keyframe: seq == 100}.packet(0, start))
	}
	s.Flush(start)
	if got, want := sub.seqs(), []int{0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

func TestPacketsThatOvertookTheKeyframeAreNotLost(t *testing.T) {
	s, _, _, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 99}, start)
	give(s, 0, frame{seq: 101}, start)
	give(s, 0, frame{seq: 100, keyframe: true}, start)
	give(s, 0, frame{seq: 102}, start)
	if got, want := sub.seqs(), []int{0, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

func TestPaddingLeavesNoGap(t *testing.T) {
	s, _, _, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1, keyframe: true}, start)
	padding := frame{seq: 3}.packet(0, start)
	padding.Payload = nil
	s.Receive(0, padding)
	s.Flush(start)
	give(s, 0, frame{seq: 4}, start)
	give(s, 0, frame{seq: 2}, start) // its place, before the padding, was kept
	if got, want := sub.seqs(), []int{0, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

func TestPausesAreBridged(t *testing.T) {
	s, p, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1, ts: 90000, keyframe: true, pictureID: 7, tl0: 3}, start)
	l.SetFlowing(false, start)
	for i := range 30 {
		give(s, 0, frame{seq: 2 + uint16(i), ts: 93000 + 3000*uint32(i), pictureID: 8 + uint16(i)}, start)
	}
	at := start + 2*time.Second
	l.SetFlowing(true, at)
	if len(p.plis) != 1 {
		t.Errorf("asked for %d key frames on the way back, want 1", len(p.plis))
	}
	give(s, 0, frame{seq: 40, ts: 600000, keyframe: true, pictureID: 50, tl0: 20}, at)
	if got := sub.seqs(); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("sent %v, want 0 and 1", got)
	}
	if got := sub.sent[1].Timestamp - sub.sent[0].Timestamp; got != 180000 {
		t.Errorf("timestamps advance by %d in 2 s, want 180000", got)
	}
	if d := sub.descriptor(1); d.PictureID != 8 || d.TL0PICIDX != 4 {
		t.Errorf("picture id %d and TL0PICIDX %d, want 8 and 4", d.PictureID, d.TL0PICIDX)
	}
}

func TestAnotherSourceGoesOnWhereTheOldOneEnded(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 65535, ts: 5, keyframe: true, pictureID: 0x7fff, tl0: 255}, start)
	other := new(publisher)
	next := NewStream(other.config(codec.VP8, 1))
	l.Connect(next, start)
	give(s, 0, frame{seq: 0, ts: 3005}, start)
	give(next, 0, frame{seq: 500, ts: 1 << 31}, start+frameTime)
	give(next, 0, frame{seq: 501, ts: 1<<31 + 3000, keyframe: true, pictureID: 9, tl0: 9}, start+100*time.Millisecond)
	if got := sub.seqs(); !slices.Equal(got, []int{0, 1}) {
		t.Fatalf("sent %v, want 0 and 1", got)
	}
	if got := sub.sent[1].Timestamp; got != 9005 {
		t.Errorf("timestamp %d, want 9005", got)
	}
	if d := sub.descriptor(1); d.PictureID != 0 || d.TL0PICIDX != 0 {
		t.Errorf("picture id %d and TL0PICIDX %d, want both to wrap to 0", d.PictureID, d.TL0PICIDX)
	}
	if s.legs != nil && len(s.legs) != 0 {
		t.Error("the old source still has the leg")
	}
}

func TestANewSSRCGoesOnAtItsKeyframe(t *testing.T) {
	s, p, _, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 60000, ts: 100, keyframe: true}, start)
	for _, f := range []frame{{seq: 5}, {seq: 6, keyframe: true}, {seq: 7}} {
		q := f.packet(0, start+frameTime)
		q.SSRC = 0xabc
		s.Receive(0, q)
		s.Flush(start + frameTime)
		s.Tick(start + frameTime)
	}
	if want := []uint32{0xabc}; !slices.Equal(p.plis, want) {
		t.Errorf("asked %x for key frames, want %x", p.plis, want)
	}
	if got := sub.seqs(); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("sent %v, want 0, 1, 2", got)
	}
}

func TestASenderThatCountsAnewIsFollowed(t *testing.T) {
	s, _, _, sub := connected(t, codec.Opus, 1)
	for i := range 200 {
		give(s, 0, frame{seq: 20000 + uint16(i)}, start+time.Duration(i)*20*time.Millisecond)
	}
	sub.sent = nil
	for i := range 10 {
		give(s, 0, frame{seq: 100 + uint16(i)}, start+time.Duration(200+i)*20*time.Millisecond)
	}
	if got := len(sub.sent); got != 9 {
		t.Errorf("relayed %d of 10 packets, want all but the first", got)
	}
}

// TestTimestampsThatJumpAreOfAnotherSource has a publisher publish again that comes from another server: the SSRC is the one of
// before, and under SRTP the sequence goes on.
func TestTimestampsThatJumpAreOfAnotherSource(t *testing.T) {
	const second = 90000
	for name, c := range map[string]struct {
		seq uint16
		ts  uint32
	}{
		"backward":        {12, 1<<31 - 600*second},
		"forward":         {12, 1<<31 + 600*second},
		"as is the count": {20000, 1<<31 - 600*second},
	} {
		t.Run(name, func(t *testing.T) {
			s, p, _, sub := connected(t, codec.VP8, 1)
			give(s, 0, frame{seq: 10, ts: 1<<31 - 3000, keyframe: true, pictureID: 500, tl0: 50}, start)
			give(s, 0, frame{seq: 11, ts: 1 << 31, pictureID: 501, tl0: 51}, start+frameTime)
			p.plis = nil
			again := start + time.Second
			give(s, 0, frame{seq: c.seq, ts: c.ts, pictureID: 7, tl0: 7}, again) // refers to what has been lost
			s.Tick(again + time.Second)
			if len(p.plis) == 0 {
				t.Error("no key frame asked for")
			}
			give(s, 0, frame{seq: c.seq + 1, ts: c.ts + 3000, keyframe: true, pictureID: 8, tl0: 8}, again)
			give(s, 0, frame{seq: c.seq + 2, ts: c.ts + 6000, pictureID: 9, tl0: 9}, again+frameTime)
			if got := sub.seqs(); !slices.Equal(got, []int{0, 1, 2, 3}) {
				t.Fatalf("sent %v, want 0 to 3", got)
			}
			for i := 2; i < 4; i++ {
				d, before := sub.descriptor(i), sub.descriptor(i-1)
				if d.PictureID != before.PictureID+1 || d.TL0PICIDX != before.TL0PICIDX+1 {
					t.Errorf("picture %d/%d after %d/%d", d.PictureID, d.TL0PICIDX, before.PictureID, before.TL0PICIDX)
				}
			}
			if got := sub.sent[2].Timestamp - sub.sent[1].Timestamp; got != ticks(again-start-frameTime, second) {
				t.Errorf("timestamp went on by %d", got)
			}
		})
	}
}

func TestAPauseIsNoOtherSource(t *testing.T) {
	const second = 90000
	s, p, _, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, ts: 1<<32 - 3000, keyframe: true}, start)
	p.plis = nil
	give(s, 0, frame{seq: 11, ts: 0}, start+9*time.Second)                     // its clock stood still
	give(s, 0, frame{seq: 12, ts: 3600 * second}, start+3609*time.Second)      // or went on
	give(s, 0, frame{seq: 9, ts: 1<<32 - 1800*second}, start+3609*time.Second) // too late for any
	if got := sub.seqs(); !slices.Equal(got, []int{0, 1, 2}) || len(p.plis) > 0 {
		t.Errorf("sent %v, want 0 to 2; asked for %d key frames", got, len(p.plis))
	}
}

func TestNACKIsAnsweredByRTX(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	for i := range 4 {
		give(s, 0, frame{seq: 10 + uint16(i), ts: uint32(i), keyframe: i == 0, pictureID: uint16(i)}, start)
	}
	want := sub.sent[2]
	l.HandleNACK([]uint16{want.Seq, want.Seq + 1000}, start+time.Second)
	got := sub.sent[len(sub.sent)-1]
	if len(sub.sent) != 5 || got.SSRC != rtxSSRC || got.PayloadType != 97 || got.Timestamp != want.Timestamp {
		t.Fatalf("answer is %+v", got)
	}
	if !got.Unwrap(legSSRC, 96) || got.Seq != want.Seq || !bytes.Equal(got.Payload, want.Payload) {
		t.Errorf("answer repeats %d %x, want %d %x", got.Seq, got.Payload, want.Seq, want.Payload)
	}
	if st := l.Stats(); st.NACKs != 2 || st.NACKMisses != 1 || st.Retransmitted != 1 {
		t.Errorf("stats are %+v", st)
	}
}

func TestWithoutRTXPacketsAreRepeatedBitByBit(t *testing.T) {
	p := new(publisher)
	s := NewStream(p.config(codec.VP8, 1))
	sub := &subscriber{t: t, ids: packet.ExtensionIDs{MID: 1, TransportCC: 2, AbsSendTime: 3, PlayoutDelay: 5}}
	l := NewLeg(LegConfig{Codec: codec.VP8, SSRC: legSSRC, NACK: true, Extensions: sub.ids, MID: "v", Sender: sub, Observer: sub})
	l.Connect(s, start)
	l.SetFlowing(true, start)
	for i := range 3 {
		give(s, 0, frame{seq: 10 + uint16(i), keyframe: i == 0}, start)
	}
	l.HandleNACK([]uint16{sub.sent[1].Seq}, start+time.Second)
	if len(sub.raw) != 4 || !bytes.Equal(sub.raw[3], sub.raw[1]) {
		t.Fatalf("sent again %x, want %x", sub.raw[len(sub.raw)-1], sub.raw[1])
	}
	l.SetPlayoutDelay(&packet.PlayoutDelay{Min: 1, Max: 2})
	l.HandleNACK([]uint16{sub.sent[1].Seq}, start+2*time.Second)
	if len(sub.raw) != 4 {
		t.Error("sent again what can no longer be made the same")
	}
	give(s, 0, frame{seq: 13}, start)
	if got := sub.sent[4]; got.Seq != sub.sent[2].Seq+1 || got.Ext.PlayoutDelay.Max != 2 {
		t.Errorf("next packet is %+v", got)
	}
}

func TestTheSamePacketIsNotRepeatedTwiceInARow(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	for range 3 {
		l.HandleNACK([]uint16{sub.sent[0].Seq}, start+time.Second)
	}
	if got := l.Stats().Retransmitted; got != 1 {
		t.Errorf("retransmitted %d times, want 1", got)
	}
}

func TestRetransmissionsHaveABudget(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	for i := range 1000 {
		l.HandleNACK([]uint16{sub.sent[0].Seq}, start+time.Duration(i)*time.Second)
	}
	if got := l.Stats(); got.Retransmitted != resendBudget || got.NACKOverspent != 1000-resendBudget {
		t.Errorf("stats are %+v", got)
	}
}

func TestReportsAreRead(t *testing.T) {
	s, _, l, _ := connected(t, codec.VP8, 1)
	if _, ok := l.SenderReport(start); ok {
		t.Error("a report before anything was sent")
	}
	give(s, 0, frame{seq: 10, ts: 9000, keyframe: true}, start)
	at := start + time.Second
	sr, ok := l.SenderReport(at)
	if !ok || sr.SSRC != legSSRC || sr.PacketCount != 1 || sr.OctetCount != 9 || sr.RTPTime != 99000 {
		t.Fatalf("report is %+v, %t", sr, ok)
	}
	l.HandleReport(&rtcp.ReceptionReport{SSRC: legSSRC, TotalLost: 5, FractionLost: 9, Jitter: 90, LastSenderReport: uint32(sr.NTPTime >> 16), Delay: 1 << 15}, at+600*time.Millisecond)
	l.HandleReport(&rtcp.ReceptionReport{SSRC: legSSRC, TotalLost: 3}, at+time.Second)
	l.HandleReport(&rtcp.ReceptionReport{SSRC: 1, TotalLost: 300}, at+time.Second)
	got := l.Stats()
	if got.Lost != 5 || got.FractionLost != 0 || got.RTT.Round(time.Millisecond) != 100*time.Millisecond {
		t.Errorf("stats are %+v", got)
	}
}

func TestSoundAndPictureStayInStep(t *testing.T) {
	clock := new(PublisherClock)
	at := start
	report := func(c codec.Codec, ts uint32, lag time.Duration) rtcp.SenderReport {
		p := new(publisher)
		cfg := p.config(c, 1)
		cfg.Clock = clock
		s := NewStream(cfg)
		l, _ := newLeg(t, c)
		l.Connect(s, at)
		l.SetFlowing(true, at)
		give(s, 0, frame{seq: 1, ts: ts, keyframe: true}, at+lag) // captured at `at`, came late
		s.SenderReport(0, packet.NTP(at-time.Hour), ts, at+lag)
		sr, _ := l.SenderReport(at + time.Second)
		return sr
	}
	audio, video := report(codec.Opus, 48_000_000, 0), report(codec.VP8, 9_000_000, 80*time.Millisecond)
	sound := time.Duration(audio.RTPTime-48_000_000) * time.Second / 48000
	picture := time.Duration(video.RTPTime-9_000_000) * time.Second / 90000
	if d := (sound - picture).Abs(); d > 10*time.Millisecond {
		t.Errorf("sound and picture are %v apart, though one came 80 ms late", d)
	}
}

// TestSoundAndPictureStayInStepWhenLayersChange: layers begin at timestamps of their own, and come at times of their own.
func TestSoundAndPictureStayInStepWhenLayersChange(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 2)
	begin, lag := [2]uint32{9_000_000, 77}, [2]time.Duration{80 * time.Millisecond, 20 * time.Millisecond}
	at := start
	step := func(n uint16) {
		for layer, behind := range lag { // what is captured at `at`, an hour earlier by the publisher's clock
			ts := begin[layer] + ticks(at-start, 90000)
			give(s, layer, frame{seq: n, ts: ts, keyframe: n%10 == 0}, at+behind)
			s.SenderReport(layer, packet.NTP(at-time.Hour), ts, at+behind)
		}
	}
	apart := func() time.Duration { // what is said of the last picture, and when that was captured
		sr, ok := l.SenderReport(at + time.Second)
		if !ok {
			t.Fatal("no report")
		}
		last := sub.sent[len(sub.sent)-1]
		said := time.Duration(int32(sr.RTPTime-last.Timestamp)) * time.Second / 90000
		return said - time.Second
	}
	l.SetTargets(Targets{Substream: 0, Temporal: 2}, start)
	for n := range uint16(200) {
		at += 33 * time.Millisecond
		if n == 100 {
			l.SetTargets(BestLayers, at)
		}
		step(n)
		if n < 20 || n > 95 && n < 120 {
			continue // the clock is learnt; and layers change
		}
		l.sentBefore = [2]uint64{}
		if want := l.choice.wanted; l.choice.current != want {
			t.Fatalf("layer %d at frame %d", l.choice.current, n)
		}
		// The mean of both layers' transit is what is known of the clock.
		if d := (apart() + 50*time.Millisecond).Abs(); d > 15*time.Millisecond {
			t.Fatalf("the report after frame %d is %v off", n, apart())
		}
	}
}

func TestTheSubscribersPlayoutDelayWins(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give2 := func(seq uint16) packet.PlayoutDelay {
		p := frame{seq: seq, keyframe: seq == 1}.packet(0, start)
		p.Ext = packet.Extensions{Present: packet.HasPlayoutDelay, PlayoutDelay: packet.PlayoutDelay{Min: 1, Max: 1}}
		s.Receive(0, p)
		s.Flush(start)
		return sub.sent[len(sub.sent)-1].Ext.PlayoutDelay
	}
	if got := give2(1); got.Max != 1 {
		t.Errorf("the packet's own is sent as %v", got)
	}
	s.SetPlayoutDelay(&packet.PlayoutDelay{Max: 2})
	if got := give2(2); got.Max != 2 {
		t.Errorf("the publisher's override is sent as %v", got)
	}
	l.SetPlayoutDelay(&packet.PlayoutDelay{Max: 3})
	if got := give2(3); got.Max != 3 {
		t.Errorf("the subscriber's override is sent as %v", got)
	}
}

func TestAJumpOfThePublishersIsMadeSmall(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 0, keyframe: true}, start)
	for i, seq := range []uint16{30000, 60000, 60001} {
		give(s, 0, frame{seq: seq, ts: uint32(i)}, start)
	}
	if got, want := sub.seqs(), []int{0, 2, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	l.HandleNACK([]uint16{sub.sent[1].Seq}, start)
	if got := sub.sent[4]; !bytes.Equal(got.Payload[2:], sub.sent[1].Payload) {
		t.Errorf("a NACK from before the jump is answered by %x, want %x", got.Payload, sub.sent[1].Payload)
	}
}

func TestWhatIsRenegotiatedHoldsFromTheNextPacketOn(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1, keyframe: true}, start)
	cfg := l.cfg
	cfg.PayloadType, cfg.Extensions, cfg.MID = 111, packet.ExtensionIDs{MID: 14}, "w"
	l.Reconfigure(cfg)
	sub.ids = cfg.Extensions
	give(s, 0, frame{seq: 2}, start)
	got := sub.sent[1]
	if got.PayloadType != 111 || string(got.Ext.MID) != "w" || got.Seq != sub.sent[0].Seq+1 {
		t.Errorf("next packet is %+v", got)
	}
}

func TestAPacketThatWouldBeTooLongIsLeftOut(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1, keyframe: true}, start)
	p := frame{seq: 2}.packet(0, start)
	p.Payload = append(p.Payload, make([]byte, packet.MaxSize-20)...)
	s.Receive(0, p)
	s.Flush(start)
	if len(sub.sent) != 1 || l.Stats().Dropped[DropOversized] != 1 {
		t.Errorf("sent %d packets, stats are %+v", len(sub.sent), l.Stats())
	}
}

func TestAKeyframeRequestGoesToTheLayerRelayed(t *testing.T) {
	c, p, l, _ := newSimulcast(t)
	c.frames(40, true)
	p.plis = nil
	l.RequestKeyframe(c.at)
	if want := []uint32{0x102}; !slices.Equal(p.plis, want) {
		t.Errorf("asked %x for key frames, want %x", p.plis, want)
	}
	if got := l.Stats().PLIs; got != 1 {
		t.Errorf("counted %d requests", got)
	}
}

func TestALegBeginsBehindIndex0(t *testing.T) {
	for ssrc, want := range map[uint32]uint64{0x10000: 1, 0x18000: 1, 0x10001: 1, 0x17fff: 0x7fff} {
		if at, _ := NewLeg(LegConfig{SSRC: ssrc}).Indexes(); at != want {
			t.Errorf("SSRC %x: at %d, not %d", ssrc, at, want)
		}
	}
}
