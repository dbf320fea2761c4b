package forward

import (
	"testing"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

func TestLevelAndOrientationArePassedOn(t *testing.T) {
	s, _, _, sub := connected(t, codec.VP8, 1)
	p := frame{seq: 1, keyframe: true}.packet(0, start)
	p.Ext = packet.Extensions{
		Present:    packet.HasAudioLevel | packet.HasVideoOrientation,
		AudioLevel: packet.AudioLevel{Level: 30, Voice: true}, VideoOrientation: 3,
	}
	s.Receive(0, p)
	s.Flush(start)
	if len(sub.sent) != 1 {
		t.Fatalf("sent %d packets", len(sub.sent))
	}
	got := sub.sent[0].Ext
	if !got.Present.Has(packet.HasAudioLevel) || got.AudioLevel != p.Ext.AudioLevel ||
		!got.Present.Has(packet.HasVideoOrientation) || got.VideoOrientation != p.Ext.VideoOrientation {
		t.Errorf("passed on %+v", got)
	}
}
