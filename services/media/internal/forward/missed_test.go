package forward

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

// TestAReplicaGetsWhatItMissed with the next burst, in order, so that its legs lose nothing.
func TestAReplicaGetsWhatItMissed(t *testing.T) {
	p := new(publisher)
	origin := NewStream(p.config(codec.VP8, 1))
	replica := NewStream(origin.Config().Replica(new(publisher), new(PublisherClock)))
	l, sub := newLeg(t, codec.VP8)
	l.Connect(replica, start)
	l.SetFlowing(true, start)
	at := start
	var missed Missed
	var b Burst
	for n := range uint16(60) {
		at += 10 * time.Millisecond
		origin.Receive(0, frame{seq: n, ts: uint32(n) * 900, keyframe: n == 0, pictureID: n}.packet(0, at))
		if n%20 > 12 {
			if lost := origin.Miss(&missed); lost != 0 {
				t.Error(lost, "given up")
			}
		} else {
			if lost := origin.CopyMissed(&b, &missed); lost != 0 {
				t.Error(lost, "not held any more")
			}
			replica.ReceiveBurst(&b, at)
		}
		origin.Flush(at)
		replica.Flush(at)
	}
	if len(sub.sent) != 53 { // the last seven are still to come
		t.Errorf("%d packets", len(sub.sent))
	}
	for i, seq := range sub.seqs() {
		if i != seq {
			t.Errorf("packet %d has seq %d", i, seq)
		}
	}
	if got := l.Stats().Dropped[DropLate]; got != 0 {
		t.Errorf("%d came too late", got)
	}
}

func TestWhatIsMissedIsBounded(t *testing.T) {
	origin := NewStream(new(publisher).config(codec.Opus, 1)) // whose ring holds 128
	var missed Missed
	given, lost := 0, 0
	for n := range uint16(1000) {
		at := start + time.Duration(n)*time.Millisecond
		origin.Receive(0, frame{seq: n, ts: uint32(n) * 960}.packet(0, at))
		lost += origin.Miss(&missed)
		origin.Flush(at)
	}
	if len(missed.packets) != maxMissed {
		t.Errorf("%d are noted", len(missed.packets))
	}
	var b Burst
	lost += origin.CopyMissed(&b, &missed)
	if given = b.Packets(); given != 128 || given+lost != 1000 {
		t.Errorf("%d given, %d lost", given, lost)
	}
}
