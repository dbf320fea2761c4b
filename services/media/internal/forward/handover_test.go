package forward

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// moved returns a stream and a leg on another node that go on from the given ones. early is what the other node knew of
// the stream before it was told the end.
func moved(s *Stream, l *Leg, p *publisher, early StreamState) (*Stream, *Leg) {
	cfg := s.cfg
	cfg.Upstream, cfg.Observer, cfg.Clock = p, p, nil
	there := NewStream(cfg)
	there.Adopt(early, start)
	leg := NewLeg(l.cfg)
	leg.Connect(there, start)
	leg.Adopt(l.Export(), l.flowing, start)
	there.Settle(s.Export(), start)
	return there, leg
}

// followed has a publisher move to another node, and a leg that stays where it is get the stream from there.
func followed(s *Stream, l *Leg, p *publisher, early StreamState) *Stream {
	cfg := s.cfg
	cfg.Upstream, cfg.Observer, cfg.Clock = p, p, nil
	there := NewStream(cfg)
	there.Adopt(early, start)
	l.Move(there, start)
	there.Settle(s.Export(), start)
	return there
}

// TestALegThatFollowsItsPublisherSendsNothingTwice has the node that the publisher is on now relay what that sends again, which
// the leg had from the node before.
func TestALegThatFollowsItsPublisherSendsNothingTwice(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	there := NewStream(s.cfg)
	there.Adopt(s.Export(), start)
	give(s, 0, frame{seq: 11, ts: 3000}, start)
	give(s, 0, frame{seq: 12, ts: 6000}, start)
	replica := NewStream(s.cfg.Replica(new(publisher), new(PublisherClock)))
	l.Move(replica, start)
	for i := range uint16(3) {
		there.Receive(0, frame{seq: 11 + i, ts: 3000 * uint32(i+1)}.packet(0, start))
		_, highest := there.Holds(0)
		if err := replica.ReceivePacket(there.AppendPacket(nil, 0, highest), 0, start); err != nil {
			t.Fatal(err)
		}
		there.Flush(start)
		replica.Flush(start)
	}
	if got, want := sub.seqs(), []int{0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	l.HandleNACK([]uint16{sub.sent[2].Seq}, start+time.Second)
	if last := sub.sent[len(sub.sent)-1]; last.SSRC != rtxSSRC {
		t.Error("a NACK for what came before the move is not answered")
	}
}

// TestWhatIsSentAgainAfterAMoveIsNoNewBeginning has a publisher without RTX answer NACKs of before the node knew that all had come.
func TestWhatIsSentAgainAfterAMoveIsNoNewBeginning(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	early, p := s.Export(), new(publisher)
	for i := range uint16(3) {
		give(s, 0, frame{seq: 11 + i, ts: 3000 * uint32(i+1)}, start)
	}
	there := followed(s, l, p, early)
	for i := range uint16(4) {
		give(there, 0, frame{seq: 11 + i, ts: 3000 * uint32(i+1)}, start+frameTime)
	}
	if got, want := sub.seqs(), []int{0, 1, 2, 3, 4}; !slices.Equal(got, want) || len(p.plis) > 0 {
		t.Errorf("sent %v, want %v; %d key frames asked for", got, want, len(p.plis))
	}
}

// TestWhatALegHadFromAReplicaIsNotAskedForAgain has a subscriber move first, and get the feed from the node before until the
// publisher comes too.
func TestWhatALegHadFromAReplicaIsNotAskedForAgain(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	early := s.Export()
	replica := NewStream(s.cfg.Replica(new(publisher), new(PublisherClock)))
	leg := NewLeg(l.cfg)
	leg.Connect(replica, start)
	var b Burst
	s.CopyPast(&b, start)
	replica.ReceiveBurst(&b, start)
	replica.Flush(start)
	leg.Adopt(l.Export(), true, start)
	l.Disconnect(start)
	for i := range uint16(3) {
		s.Receive(0, frame{seq: 11 + i, ts: 3000 * uint32(i+1)}.packet(0, start))
		s.CopyBurst(&b)
		replica.ReceiveBurst(&b, start)
		s.Flush(start)
		replica.Flush(start)
	}
	p := new(publisher)
	there := followed(s, leg, p, early)
	there.Tick(start + frameTime)
	if len(p.nacks) > 0 {
		t.Errorf("asks for %v again", p.nacks)
	}
	give(there, 0, frame{seq: 14, ts: 12000}, start+frameTime)
	if got, want := sub.seqs(), []int{0, 1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

// valueKept is what a stream and a leg are that another node may go on with once theirs has died.
type valueKept struct {
	stream     StreamState
	leg        LegState
	media, rtx uint64 // where it begins
}

func keepValue(s *Stream, l *Leg) *valueKept {
	k := &valueKept{stream: s.Export(), leg: l.Export()}
	k.media, k.rtx = l.Indexes()
	k.media += 1024
	k.rtx += 1024
	k.leg.JumpTo(k.media, k.rtx)
	return k
}

// covers is true as long as the leg has sent nothing that the one to come may send.
func (k *valueKept) covers(l *Leg) bool {
	media, rtx := l.Indexes()
	return media <= k.media && rtx <= k.rtx
}

func (k *valueKept) succeed(s *Stream, l *Leg, p *publisher) (*Stream, *Leg) {
	cfg := s.cfg
	cfg.Upstream, cfg.Observer, cfg.Clock = p, p, nil
	there := NewStream(cfg)
	there.Adopt(k.stream, start)
	leg := NewLeg(l.cfg)
	leg.Connect(there, start)
	leg.Adopt(k.leg, l.flowing, start)
	there.Settle(k.stream, start)
	there.BeginAnew(start)
	return there, leg
}

// TestALegOfADeadNodeGoesOnAheadWithAKeyframe has a node die some packets after its value was kept.
func TestALegOfADeadNodeGoesOnAheadWithAKeyframe(t *testing.T) {
	c, _, l, sub := newSimulcast(t)
	c.frames(20, true)
	k := keepValue(c.s, l)
	c.frames(5, false)
	before, p := len(sub.sent), new(publisher)
	last, offset := sub.sent[before-1], l.history.last().ts
	c.s, l = k.succeed(c.s, l, p)
	c.frames(3, false)
	if len(sub.sent) != before || len(p.plis) == 0 {
		t.Errorf("%d packets without a key frame, %d asked for", len(sub.sent)-before, len(p.plis))
	}
	c.frames(1, true)
	c.frames(10, false)
	if len(sub.sent) < before+10 {
		t.Fatalf("%d packets", len(sub.sent)-before)
	}
	first := sub.sent[before]
	if want := uint16(k.media); first.Seq != want {
		t.Errorf("goes on with %d, not %d, after %d", first.Seq, want, last.Seq)
	}
	if off := int32(l.history.last().ts - offset); max(off, -off) > 90*30 { // it may have begun with another layer
		t.Errorf("timestamps are off by %d", off)
	}
}

func TestAMovedLegGoesOnWithoutAKeyframe(t *testing.T) {
	c, _, l, sub := newSimulcast(t)
	c.frames(20, true)
	before := len(sub.sent)
	p := new(publisher)
	c.s, l = moved(c.s, l, p, c.s.Export())
	c.frames(20, false)
	if got := len(sub.sent) - before; got != 20 {
		t.Errorf("relays %d of 20 packets", got)
	}
	if len(p.plis)+len(p.nacks) != 0 {
		t.Errorf("asks for %d key frames and %v again", len(p.plis), p.nacks)
	}
	if got := l.Stats(); got.Substream != 2 || got.Packets != uint64(len(sub.sent)) {
		t.Errorf("stats are %+v", got)
	}
	sub.checkContinuous(t)
}

func TestWhatCameMeanwhileIsRelayed(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	early := s.Export()
	give(s, 0, frame{seq: 11, ts: 3000}, start)
	p := new(publisher)
	cfg := s.cfg
	cfg.Upstream, cfg.Observer = p, p
	there := NewStream(cfg)
	there.Adopt(early, start)
	give(there, 0, frame{seq: 12, ts: 6000}, start) // the publisher is there before its subscriber
	there.Settle(s.Export(), start)
	leg := NewLeg(l.cfg)
	leg.Connect(there, start)
	leg.Adopt(l.Export(), true, start)
	give(there, 0, frame{seq: 13, ts: 9000}, start)
	if got, want := sub.seqs(), []int{0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	there.Tick(start + frameTime)
	if !slices.Equal(p.nacks, []uint16{11}) { // asked for before it was known to have been relayed
		t.Errorf("asks for %v again", p.nacks)
	}
	if len(there.layers[0].loss.packets) != 0 {
		t.Errorf("waits for %v", there.layers[0].loss.packets)
	}
}

func TestWhatCameToNobodyIsAskedForAgain(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	early, leg := s.Export(), l.Export()
	l.Disconnect(start) // the subscriber goes first
	for i := range uint16(3) {
		give(s, 0, frame{seq: 11 + i, ts: 3000}, start)
	}
	p := new(publisher)
	cfg := s.cfg
	cfg.Upstream, cfg.Observer = p, p
	there := NewStream(cfg)
	there.Adopt(early, start)
	moved := NewLeg(l.cfg)
	moved.Connect(there, start)
	moved.Adopt(leg, true, start)
	there.Settle(s.Export(), start)
	there.Tick(start)
	if want := []uint16{11, 12, 13}; !slices.Equal(p.nacks, want) {
		t.Errorf("asks for %v, want %v", p.nacks, want)
	}
	for _, seq := range []uint16{14, 12, 11, 13} {
		give(there, 0, frame{seq: seq, ts: 3000 * uint32(seq)}, start)
	}
	if got, want := sub.seqs(), []int{0, 4, 2, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

// TestALegGoesOnThoughItsSourceComesLater has a subscriber get to a node before anything of the feed that is to be pulled to there.
func TestALegGoesOnThoughItsSourceComesLater(t *testing.T) {
	for name, known := range map[string]bool{"nothing is known of it": false, "nothing has come of it": true} {
		t.Run(name, func(t *testing.T) {
			s, p, l, sub := connected(t, codec.VP8, 1)
			give(s, 0, frame{seq: 10, keyframe: true}, start)
			asked := len(p.plis)
			replica := NewStream(s.cfg.Replica(p, new(PublisherClock)))
			leg := NewLeg(l.cfg)
			if known {
				leg.Connect(replica, start)
			}
			state := l.Export()
			leg.Expect(state)
			give(s, 0, frame{seq: 11, ts: 3000}, start) // by the leg before, or it is here when the relay begins
			state = l.Export()
			l.Disconnect(start)
			leg.Adopt(state, true, start)
			if !known {
				leg.Move(replica, start)
			}
			give(s, 0, frame{seq: 12, ts: 6000}, start)
			give(s, 0, frame{seq: 13, ts: 9000}, start)
			first, after := replica.Lacks(0)
			_, highest := s.Holds(0)
			for seq := s.From(0, first, after, start); seq <= highest; seq++ {
				if err := replica.ReceivePacket(s.AppendPacket(nil, 0, seq), 0, start); err != nil {
					t.Fatal(err)
				}
			}
			replica.Flush(start)
			if got, want := sub.seqs(), []int{0, 1, 2, 3}; !slices.Equal(got, want) || len(p.plis) != asked {
				t.Errorf("sent %v, want %v; %d key frames asked for", got, want, len(p.plis)-asked)
			}
		})
	}
}

// TestAReplicaGetsWhatALegThatIsToComeWillLack has the relay begin before the leg's last state is there.
func TestAReplicaGetsWhatALegThatIsToComeWillLack(t *testing.T) {
	s, p, l, _ := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	replica := NewStream(s.cfg.Replica(p, new(PublisherClock)))
	leg := NewLeg(l.cfg)
	leg.Connect(replica, start)
	leg.Expect(l.Export())
	other := NewLeg(l.cfg) // begins anew, and lacks nothing
	other.Connect(replica, start)
	give(s, 0, frame{seq: 11, ts: 3000}, start)
	give(s, 0, frame{seq: 12, ts: 6000}, start)
	asked := len(p.plis)
	first, after := replica.Lacks(0)
	_, highest := s.Holds(0)
	if from := s.From(0, first, after, start+time.Minute); from != highest-1 || len(p.plis) != asked {
		t.Errorf("begins at %d of %d, %d key frames asked for", from, highest, len(p.plis)-asked)
	}
}

// TestWhoComesFromAnotherNodeNeedNotWaitForAKeyframeLong is for what was lost there: it cannot be had again.
func TestWhoComesFromAnotherNodeNeedNotWaitForAKeyframeLong(t *testing.T) {
	s, _, l, _ := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	early := s.Export()
	for name, come := range map[string]func(p *publisher) (*Stream, *Leg){
		"both":          func(p *publisher) (*Stream, *Leg) { return moved(s, l, p, early) },
		"the publisher": func(p *publisher) (*Stream, *Leg) { return followed(s, l, p, early), l },
		"the subscriber": func(p *publisher) (*Stream, *Leg) {
			there := NewStream(p.config(codec.VP8, 1))
			give(there, 0, frame{seq: 10, keyframe: true}, start-time.Minute)
			leg := NewLeg(l.cfg)
			leg.Connect(there, start)
			leg.Adopt(l.Export(), true, start)
			return there, leg
		},
	} {
		p := new(publisher)
		there, leg := come(p)
		p.plis = nil
		asks := func(at time.Duration) int {
			leg.RequestKeyframe(at)
			there.Tick(at)
			return len(p.plis)
		}
		if first, second := asks(start+frameTime), asks(start+frameTime+hurriedInterval); first != 1 || second != 2 {
			t.Errorf("%s: asked %d times, then %d", name, first, second)
		}
		late := start + hurriedFor + time.Minute
		if first, second := asks(late), asks(late+hurriedInterval); second != first {
			t.Errorf("%s: is in a hurry for ever", name)
		}
	}
}

// TestALegThatWaitsForAKeyframeAsksWhereItsPublisherGoes is for a request that the node before had not sent, or that was lost on the way.
func TestALegThatWaitsForAKeyframeAsksWhereItsPublisherGoes(t *testing.T) {
	s, p, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10}, start)
	asked := len(p.plis)
	there := followed(s, l, p, s.Export())
	if len(p.plis) != asked+1 {
		t.Errorf("asked %d times", len(p.plis)-asked)
	}
	give(there, 0, frame{seq: 11, keyframe: true}, start)
	if got := sub.seqs(); len(got) != 1 {
		t.Errorf("sent %v", got)
	}
}

// TestALegWhoseSourceIsAnotherThanItWasTakenForAsksForAKeyframe has the publisher begin anew before anything came here.
func TestALegWhoseSourceIsAnotherThanItWasTakenForAsksForAKeyframe(t *testing.T) {
	s, p, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	there := NewStream(p.config(codec.VP8, 1))
	leg := NewLeg(l.cfg)
	leg.Connect(there, start)
	leg.Adopt(l.Export(), true, start)
	asked := len(p.plis)
	give(there, 0, frame{seq: 900}, start)
	there.Tick(start + frameTime)
	if len(p.plis) != asked+1 {
		t.Errorf("asked %d times", len(p.plis)-asked)
	}
	give(there, 0, frame{seq: 901, keyframe: true}, start+frameTime)
	if got, want := sub.seqs(), []int{0, 1}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

func TestALegWhoseLayerIsNotThereStartsAtAKeyframe(t *testing.T) {
	s, p, l, sub := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 10, keyframe: true}, start)
	there := NewStream(p.config(codec.VP8, 1))
	leg := NewLeg(l.cfg)
	leg.Connect(there, start)
	leg.Adopt(l.Export(), true, start)
	give(there, 0, frame{seq: 900}, start)
	give(there, 0, frame{seq: 901, keyframe: true}, start)
	if got, want := sub.seqs(), []int{0, 1}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

// TestAMovedAV1StreamKnowsItsLayers has a subscriber of the lowest spatial layer move while there is no key frame.
func TestAMovedAV1StreamKnowsItsLayers(t *testing.T) {
	// What Chromium sends of an L2T3_KEY stream; see package codec.
	const structure = "800514853aaaa8018004004002a02a0060010015d34514174d144c700874321651118543276809f8059813f80b38"
	p := new(publisher)
	cfg := p.config(codec.AV1, 1)
	cfg.SVC = true
	s := NewStream(cfg)
	l, sub := newLeg(t, codec.AV1)
	l.SetTargets(Targets{SpatialLayer: 0, TemporalLayer: 2}, start)
	l.Connect(s, start)
	l.SetFlowing(true, start)
	seq := uint16(10)
	give := func(descriptor string) int {
		t.Helper()
		b, err := hex.DecodeString(descriptor)
		if err != nil {
			t.Fatal(err)
		}
		payload := []byte{0x10, 0x30, 1}
		if len(b) > 3 {
			payload = []byte{0x18, 0x08, 1} // a sequence header first
		}
		one := packet.Packet{
			Header:  packet.Header{SSRC: 1, Seq: seq, Timestamp: 3000 * uint32(seq), PayloadType: 120},
			Payload: payload, Arrival: start,
		}
		one.Ext.Present, one.Ext.DependencyDescriptor = packet.HasDependencyDescriptor, b
		seq++
		before := len(sub.sent)
		s.Receive(0, &one)
		s.Flush(start)
		return len(sub.sent) - before
	}
	lower, upper := "c30003", "c80004"
	if got := []int{give("c00001" + structure), give("c50002"), give(lower), give(upper)}; !slices.Equal(got, []int{1, 0, 1, 0}) {
		t.Fatalf("relayed %v before", got)
	}
	s, l = moved(s, l, p, s.Export())
	if got := []int{give(lower), give(upper), give(lower)}; !slices.Equal(got, []int{1, 0, 1}) {
		t.Errorf("relayed %v after", got)
	}
}
