package forward

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

// TestQuietLeavesNoGap: what does not go out while others are louder takes no sequence numbers, but time.
func TestQuietLeavesNoGap(t *testing.T) {
	s, p, _, sub := connected(t, codec.Opus, 1)
	replica := NewStream(s.Config().Replica(new(publisher), new(PublisherClock)))
	far, farSub := newLeg(t, codec.Opus)
	far.Connect(replica, start)
	far.SetFlowing(true, start)
	at := start
	for n := range uint16(300) {
		at += 20 * time.Millisecond
		s.SetQuiet(n/50%2 == 1)
		s.Receive(0, frame{seq: n, ts: uint32(n) * 960}.packet(0, at))
		var b Burst
		s.CopyBurst(&b)
		replica.ReceiveBurst(&b, at)
		s.Flush(at)
		replica.Flush(at)
	}
	for name, sub := range map[string]*subscriber{"near": sub, "far": farSub} {
		if len(sub.sent) != 150 {
			t.Fatalf("%s: %d packets", name, len(sub.sent))
		}
		for i, seq := range sub.seqs() {
			if want := uint32(960 * (i + i/50*50)); seq != i || sub.sent[i].Timestamp-sub.sent[0].Timestamp != want {
				t.Errorf("%s: packet %d has seq %d, timestamp %d", name, i, seq, sub.sent[i].Timestamp-sub.sent[0].Timestamp)
			}
		}
	}
	if got := s.legs[0].Stats().Dropped[DropQuiet]; got != 150 || len(p.plis) != 0 {
		t.Errorf("%d left out, %d key frames asked for", got, len(p.plis))
	}
}
