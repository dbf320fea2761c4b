package forward

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

func TestMissingPacketsAreAskedForUntilTheyCome(t *testing.T) {
	for _, first := range []uint16{0, 1, 32767, 32768, 65535} {
		s, p, _, _ := connected(t, codec.VP8, 1)
		give(s, 0, frame{seq: first}, start)
		give(s, 0, frame{seq: first + 3}, start)
		want := []uint16{first + 1, first + 2}
		if !slices.Equal(p.nacks, want) {
			t.Fatalf("asked for %v at once, want %v", p.nacks, want)
		}
		s.Tick(start + 100*time.Millisecond)
		if len(p.nacks) != 2 {
			t.Errorf("asked again within a round trip: %v", p.nacks)
		}
		give(s, 0, frame{seq: first + 1}, start+110*time.Millisecond)
		s.Tick(start + 140*time.Millisecond) // a round trip was 110 ms
		if want = append(want, first+2); !slices.Equal(p.nacks, want) {
			t.Errorf("asked for %v, want %v", p.nacks, want)
		}
		for at := range 500 {
			s.Tick(start + time.Duration(at)*10*time.Millisecond)
		}
		if n := len(p.nacks); n > 2+maxAsks {
			t.Errorf("asked %d times for two packets", n)
		}
	}
}

func TestReorderingWithinABurstIsNoLoss(t *testing.T) {
	s, p, _, _ := connected(t, codec.VP8, 1)
	for _, seq := range []uint16{1, 3, 2} {
		s.Receive(0, frame{seq: seq}.packet(0, start))
	}
	s.Flush(start)
	if len(p.nacks) != 0 {
		t.Errorf("asked for %v", p.nacks)
	}
}

func TestAJumpIsNotAskedFor(t *testing.T) {
	s, p, _, _ := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1}, start)
	give(s, 0, frame{seq: 1000}, start)
	if len(p.nacks) != 0 {
		t.Errorf("asked for %d packets", len(p.nacks))
	}
}

func TestWhatRTXBringsGoesToTheLegs(t *testing.T) {
	s, _, _, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1, keyframe: true}, start)
	give(s, 0, frame{seq: 3}, start)
	rtx := func(osn uint16) {
		p := frame{seq: 77}.packet(0, start)
		p.SSRC = 999
		p.Payload = append([]byte{byte(osn >> 8), byte(osn)}, frame{seq: osn}.payload()...)
		s.ReceiveRTX(0, p)
		s.Flush(start)
	}
	rtx(2)
	rtx(2)
	rtx(1)
	rtx(4)     // never asked for: it would be the first of its number
	rtx(40000) // of some other time
	give(s, 0, frame{seq: 4}, start)
	if got, want := sub.seqs(), []int{0, 2, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	if got, want := sub.sent[2].Payload[7:], []byte{0, 2}; !bytes.Equal(got, want) {
		t.Errorf("what was repaired is %x, want %x", got, want)
	}
	if r := s.AppendReports(nil, start); r[0].TotalLost != 1 {
		t.Errorf("reported %d lost, want the 1 that had to be repaired", r[0].TotalLost)
	}
}

func TestReceptionReportsFollowRFC3550(t *testing.T) {
	s, _, _, _ := connected(t, codec.VP8, 1)
	if got := s.AppendReports(nil, start); len(got) != 0 {
		t.Errorf("a report before anything came: %+v", got)
	}
	for i := range 100 {
		if i%4 != 1 {
			give(s, 0, frame{seq: 65500 + uint16(i), ts: uint32(i) * 3000}, start+time.Duration(i)*time.Second/30)
		}
	}
	s.SenderReport(0, 0x1234_5678_9abc_def0, 1, start)
	r := s.AppendReports(nil, start+1500*time.Millisecond)[0]
	if r.SSRC != 0x100 || r.TotalLost != 25 || r.FractionLost != 64 || r.LastSequenceNumber != 1<<16+63 {
		t.Errorf("report is %+v", r)
	}
	if r.LastSenderReport != 0x56789abc || r.Delay != 3<<15 {
		t.Errorf("last SR %x, delay %d", r.LastSenderReport, r.Delay)
	}
	if r.Jitter > 2 {
		t.Errorf("jitter %d of packets in perfect time", r.Jitter)
	}
	if got := s.AppendReports(nil, start+2*time.Second); len(got) != 0 {
		t.Errorf("a second report with nothing new: %+v", got)
	}
}

func TestKeyframeRequestsAreThrottledButNotLost(t *testing.T) {
	p := new(publisher)
	s := NewStream(p.config(codec.VP8, 1))
	give(s, 0, frame{seq: 1}, start)
	ask := func(ms int) { s.RequestKeyframe(start + time.Duration(ms)*time.Millisecond) }
	ask(0)
	ask(10)
	ask(900)
	s.Tick(start + 990*time.Millisecond)
	if len(p.plis) != 1 {
		t.Fatalf("asked %d times within a second, want once", len(p.plis))
	}
	s.Tick(start + time.Second)
	if len(p.plis) != 2 {
		t.Fatalf("asked %d times when the second is over, want twice", len(p.plis))
	}
	ask(1500)
	give(s, 0, frame{seq: 2, keyframe: true}, start+1600*time.Millisecond)
	s.Tick(start + 3*time.Second)
	if len(p.plis) != 2 {
		t.Errorf("asked though a key frame had come")
	}
}

// TestARequestThatReachesNobodyIsNotLost is for a publisher that another node serves still.
func TestARequestThatReachesNobodyIsNotLost(t *testing.T) {
	p := &publisher{away: true}
	s := NewStream(p.config(codec.VP8, 1))
	give(s, 0, frame{seq: 1}, start)
	s.RequestKeyframe(start)
	p.away = false
	s.Tick(start + frameTime)
	s.Tick(start + 2*frameTime)
	if len(p.plis) != 1 {
		t.Errorf("asked %d times, want once", len(p.plis))
	}
}

func TestARequestBeforeTheFirstPacketIsNotLost(t *testing.T) {
	s, p, _, _ := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1}, start)
	s.Tick(start)
	if len(p.plis) != 1 {
		t.Errorf("asked %d times, want once", len(p.plis))
	}
}

func TestKeyframesAreAskedForInTime(t *testing.T) {
	p := new(publisher)
	cfg := p.config(codec.VP8, 1)
	cfg.KeyframeEvery = 10 * time.Second
	s := NewStream(cfg)
	give(s, 0, frame{seq: 1, keyframe: true}, start)
	for i := range 2500 {
		s.Tick(start + time.Duration(i)*10*time.Millisecond)
	}
	if len(p.plis) != 2 {
		t.Errorf("asked %d times in 25 s, want 2", len(p.plis))
	}
}

func TestAudioIsNeverAskedForKeyframes(t *testing.T) {
	s, p, l, sub := connected(t, codec.Opus, 1)
	give(s, 0, frame{seq: 1}, start)
	l.RequestKeyframe(start)
	s.Tick(start + time.Minute)
	if len(p.plis) != 0 || len(sub.sent) != 1 {
		t.Errorf("asked %d times, sent %d packets", len(p.plis), len(sub.sent))
	}
}

func TestMediaStateIsTold(t *testing.T) {
	s, p, _, _ := connected(t, codec.VP8, 1)
	tick := func(from, to time.Duration) {
		for at := from; at < to; at += 10 * time.Millisecond {
			s.Tick(start + at)
		}
	}
	tick(0, 3*time.Second)
	if len(p.receiving) != 0 {
		t.Fatalf("told %v before anything came", p.receiving)
	}
	last := 3 * time.Second
	give(s, 0, frame{seq: 1}, start+last)
	tick(last, last+1490*time.Millisecond)
	if !slices.Equal(p.receiving, []bool{true}) {
		t.Fatalf("told %v", p.receiving)
	}
	tick(last+1490*time.Millisecond, last+3*time.Second)
	give(s, 0, frame{seq: 2}, start+last+4*time.Second)
	if !slices.Equal(p.receiving, []bool{true, false, true}) {
		t.Errorf("told %v", p.receiving)
	}
}

func TestTalkingIsToldOnChange(t *testing.T) {
	p := new(publisher)
	cfg := p.config(codec.Opus, 1)
	cfg.Talk = Talk{Packets: 4, Level: 40}
	s := NewStream(cfg)
	seq := uint16(0)
	speak := func(levels ...uint8) {
		for _, level := range levels {
			seq++
			q := frame{seq: seq}.packet(0, start)
			q.Ext = packet.Extensions{Present: packet.HasAudioLevel, AudioLevel: packet.AudioLevel{Level: level}}
			s.Receive(0, q)
		}
		s.Flush(start)
	}
	speak(127, 127, 127, 127) // not talking, as at first
	speak(10, 127, 10, 10)
	speak(30, 30, 30, 30)
	speak(40, 40, 40, 40)
	if want := []bool{true, false}; !slices.Equal(p.talking, want) {
		t.Errorf("told %v, want %v", p.talking, want)
	}
	s.SetRelay(false, start)
	speak(1, 1, 1, 1)
	if len(p.talking) != 2 {
		t.Error("told of one who is muted")
	}
}

func TestAStreamThatIsNotRelayedIsStillReceived(t *testing.T) {
	s, p, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1, keyframe: true}, start)
	s.SetRelay(false, start)
	give(s, 0, frame{seq: 2}, start)
	if len(sub.sent) != 1 || s.Stats(0).Packets != 2 || l.Stats().Dropped[DropNotFlowing] != 1 {
		t.Errorf("sent %d, received %d", len(sub.sent), s.Stats(0).Packets)
	}
	for i := range 20 {
		at := start + time.Duration(i)*frameTime*10
		give(s, 0, frame{seq: 3 + uint16(i)}, at)
		s.Tick(at)
	}
	if len(p.plis) != 0 {
		t.Errorf("asked for %d key frames for nobody", len(p.plis))
	}
	s.SetRelay(true, start+time.Minute)
	if len(p.plis) != 1 {
		t.Errorf("asked for %d key frames, want 1", len(p.plis))
	}
}

func TestCloseLetsGoOfTheLegs(t *testing.T) {
	s, _, l, _ := connected(t, codec.VP8, 1)
	other, _ := newLeg(t, codec.VP8)
	other.Connect(s, start)
	s.Close(start)
	if l.Source() != nil || other.Source() != nil {
		t.Error("a leg still has the stream")
	}
}

// sink is a sender that keeps nothing.
type sink struct {
	subscriber
	packets int
}

func (s *sink) SendRTP(_, _ []byte) { s.packets++ }

func TestTheWayOfAPacketAllocatesNothing(t *testing.T) {
	for _, c := range []codec.Codec{codec.VP8, codec.Opus} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			p := new(publisher)
			layers := 1
			if c == codec.VP8 {
				layers = 3
			}
			s := NewStream(p.config(c, layers))
			var far sink
			for i := range 5 {
				l := NewLeg(LegConfig{Codec: c, SSRC: uint32(i), RTXSSRC: 9, NACK: true, Extensions: packet.ExtensionIDs{MID: 1, TransportCC: 2, AbsSendTime: 3}, MID: "0", Sender: &far, Observer: &far})
				l.SetTargets(Targets{Substream: i % 3, Temporal: i % 2}, start)
				l.Connect(s, start)
				l.SetFlowing(true, start)
			}
			frames, at := 0, start
			payload := make([]byte, 100)
			burst := func() {
				for layer := range layers {
					for i := frames; i < frames+3; i++ {
						f := layered(i)
						f.keyframe = i%64 == 0
						q := packet.Packet{Header: packet.Header{SSRC: uint32(layer), Seq: uint16(i), Timestamp: uint32(i) * 3000}, Arrival: at}
						copy(payload, []byte{0x90, 0xe0, 0x80 | byte(f.pictureID>>8), byte(f.pictureID), f.tl0, f.temporal << 6, 1})
						if f.keyframe {
							payload[6] = 0
						}
						q.Payload = payload
						s.Receive(layer, &q)
					}
				}
				frames += 3
				s.Flush(at)
				s.Tick(at)
				at += 10 * time.Millisecond
			}
			for range 2000 {
				burst()
			}
			far.packets = 0
			if got := testing.AllocsPerRun(1000, burst); got != 0 {
				t.Errorf("%v allocations a burst", got)
			}
			if far.packets == 0 {
				t.Error("nothing was sent")
			}
		})
	}
}

func TestARingThatGrewTakesNothingForNewThatItForgot(t *testing.T) {
	s, _, _, sub := connected(t, codec.VP8, 1)
	at := start
	for i := range 300 {
		give(s, 0, frame{seq: uint16(i), ts: uint32(i), keyframe: i == 0}, at)
		if i < 200 {
			at += 10 * time.Millisecond // then a burst, for which the ring grows
		}
	}
	if got := len(s.layers[0].ring.slots); got != 256 {
		t.Fatalf("the ring has %d slots, want 256", got)
	}
	sub.sent = nil
	give(s, 0, frame{seq: 60}, at)
	if len(sub.sent) != 0 {
		t.Error("a packet was relayed a second time")
	}
}
