package forward

import (
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

// past has a stream with a key frame and some frames behind it; lost are not there. Then a leg begins to flow.
func past(t *testing.T, frames int, waits time.Duration, lost ...uint16) (*Stream, *publisher, *subscriber, time.Duration) {
	s, p, _, _ := connected(t, codec.VP8, 1) // the first subscriber
	at := start + time.Minute
	for n := range uint16(frames) {
		at += 10 * time.Millisecond
		missing := false
		for _, l := range lost {
			missing = missing || l == n
		}
		if !missing {
			give(s, 0, frame{seq: n, ts: uint32(n) * 900, keyframe: n == 0, pictureID: n}, at)
		}
	}
	at += waits
	p.plis = nil
	l, sub := newLeg(t, codec.VP8)
	l.Connect(s, at)
	l.SetFlowing(true, at)
	return s, p, sub, at
}

func TestALegBeginsWithTheKeyframeThatIsThere(t *testing.T) {
	s, p, sub, at := past(t, 20, 100*time.Millisecond)
	if len(sub.sent) != 20 || len(p.plis) != 0 {
		t.Fatalf("%d packets, %d requests", len(sub.sent), len(p.plis))
	}
	var d codec.Descriptor
	if err := codec.Describe(codec.VP8, sub.sent[0].Payload, &d); err != nil || !d.Keyframe {
		t.Error("it begins with something else", err)
	}
	give(s, 0, frame{seq: 20, ts: 20 * 900, pictureID: 20}, at+10*time.Millisecond)
	for i, seq := range sub.seqs() {
		if i != seq || sub.sent[i].Timestamp-sub.sent[0].Timestamp != uint32(900*i) {
			t.Errorf("packet %d: seq %d, timestamp %d", i, seq, sub.sent[i].Timestamp)
		}
	}
	if len(sub.sent) != 21 {
		t.Error(len(sub.sent), "packets")
	}
}

func TestALegWaitsWhereThePastIsOfNoUse(t *testing.T) {
	for name, begin := range map[string]func() (*Stream, *publisher, *subscriber, time.Duration){
		"too old":         func() (*Stream, *publisher, *subscriber, time.Duration) { return past(t, 20, longestPast) },
		"too much":        func() (*Stream, *publisher, *subscriber, time.Duration) { return past(t, mostPast+1, -2*time.Second) },
		"key frame lost":  func() (*Stream, *publisher, *subscriber, time.Duration) { return past(t, 20, 0, 0) },
		"something lost":  func() (*Stream, *publisher, *subscriber, time.Duration) { return past(t, 20, 0, 7) },
		"nothing is held": func() (*Stream, *publisher, *subscriber, time.Duration) { return past(t, 0, 0) },
	} {
		s, p, sub, at := begin()
		s.Tick(at + 2*time.Second)
		if s.layers[0].highest != 0 && len(p.plis) == 0 {
			t.Errorf("%s: no key frame was asked for", name)
		}
		give(s, 0, frame{seq: 500, ts: 500 * 900, pictureID: 500}, at)
		if len(sub.sent) != 0 {
			t.Errorf("%s: %d packets", name, len(sub.sent))
		}
	}
}

// TestALegBeginsWithParameterSets: H.264 of one NAL unit a packet has them before the slices of a picture, in packets of their own.
func TestALegBeginsWithParameterSets(t *testing.T) {
	s, p, _, _ := connected(t, codec.H264, 1)
	sps, pps, idr, delta := []byte{0x67, 0x42}, []byte{0x68, 0xce}, []byte{0x65, 0x88}, []byte{0x41, 0x9a}
	seq := uint16(0)
	unit := func(ts uint32, payload []byte) {
		f := frame{seq: seq, ts: ts}.packet(0, start)
		f.Payload = payload
		s.Receive(0, f)
		s.Flush(start)
		seq++
	}
	for n := range uint32(2) {
		for _, payload := range [][]byte{sps, pps, idr} {
			unit(9000*n, payload)
		}
		unit(9000*n+3000, delta)
	}
	if n := s.layers[0].stats.Keyframes; n != 2 {
		t.Errorf("%d key frames", n)
	}
	p.plis = nil
	begins := func(s *Stream) {
		t.Helper()
		l, sub := newLeg(t, codec.H264)
		l.Connect(s, start)
		l.SetFlowing(true, start)
		if len(sub.sent) != 4 || len(p.plis) != 0 || sub.sent[0].Payload[0] != sps[0] || sub.sent[3].Payload[0] != delta[0] {
			t.Errorf("%d packets, %d requests", len(sub.sent), len(p.plis))
		}
	}
	begins(s)

	replica := NewStream(s.Config().Replica(p, new(PublisherClock)))
	var b Burst
	if !s.CopyPast(&b, start) {
		t.Fatal("there is no past")
	}
	replica.ReceiveBurst(&b, start)
	replica.Flush(start)
	begins(replica)
}

// TestALegBeginsAmidABurst: what the burst has brought by then goes out with it, once.
func TestALegBeginsAmidABurst(t *testing.T) {
	s, _, _, _ := connected(t, codec.VP8, 1)
	l, sub := newLeg(t, codec.VP8)
	for n := range uint16(10) {
		give(s, 0, frame{seq: n, ts: uint32(n) * 900, keyframe: n == 0, pictureID: n}, start)
	}
	s.Receive(0, frame{seq: 10, ts: 9000, pictureID: 10}.packet(0, start))
	l.Connect(s, start)
	l.SetFlowing(true, start)
	if len(sub.sent) != 10 {
		t.Fatal(len(sub.sent), "packets at once")
	}
	s.Receive(0, frame{seq: 11, ts: 9900, pictureID: 11}.packet(0, start))
	s.Flush(start)
	if len(sub.sent) != 12 {
		t.Fatal(len(sub.sent), "packets in all")
	}
	for i, seq := range sub.seqs() {
		if i != seq {
			t.Errorf("packet %d has seq %d", i, seq)
		}
	}
}

// TestALegThatHasSentDoesNotGoBack in time, when it pauses and goes on.
func TestALegThatHasSentDoesNotGoBack(t *testing.T) {
	s, _, l, sub := connected(t, codec.VP8, 1)
	for n := range uint16(10) {
		give(s, 0, frame{seq: n, ts: uint32(n) * 900, keyframe: n == 0, pictureID: n}, start)
	}
	l.SetFlowing(false, start)
	l.SetFlowing(true, start)
	if len(sub.sent) != 10 {
		t.Error(len(sub.sent), "packets")
	}
}

// TestAReplicaBeginsInThePast, whether the next burst comes before it or after.
func TestAReplicaBeginsInThePast(t *testing.T) {
	for _, late := range []bool{false, true} {
		p := new(publisher)
		origin := NewStream(p.config(codec.VP8, 1))
		for n := range uint16(10) {
			give(origin, 0, frame{seq: n, ts: uint32(n) * 900, keyframe: n == 0, pictureID: n}, start)
		}
		origin.Receive(0, frame{seq: 10, ts: 9000, pictureID: 10}.packet(0, start))
		var past, next Burst
		if !origin.CopyPast(&past, start) || past.Packets() != 11 {
			t.Fatal(past.Packets(), "packets of the past")
		}
		origin.CopyBurst(&next)
		origin.Flush(start)

		up := new(publisher)
		replica := NewStream(origin.Config().Replica(up, new(PublisherClock)))
		l, sub := newLeg(t, codec.VP8)
		l.Connect(replica, start)
		l.SetFlowing(true, start)
		bursts := []*Burst{&past, &next}
		if late {
			bursts[0], bursts[1] = bursts[1], bursts[0]
		}
		for _, b := range bursts {
			replica.ReceiveBurst(b, start)
			replica.Flush(start)
		}
		if len(sub.sent) != 11 {
			t.Fatalf("late %v: %d packets", late, len(sub.sent))
		}
		seqs := sub.seqs() // what overtook the rest goes out first, in its place
		slices.Sort(seqs)
		for i, seq := range seqs {
			if i != seq {
				t.Errorf("late %v: packet %d has seq %d", late, i, seq)
			}
		}
		later, _ := newLeg(t, codec.VP8)
		up.plis = nil
		later.Connect(replica, start)
		later.SetFlowing(true, start)
		if later.stats.Packets != 11 || len(up.plis) != 0 {
			t.Errorf("late %v: a second leg got %d packets at once", late, later.stats.Packets)
		}
	}
}
