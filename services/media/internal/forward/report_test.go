package forward

import (
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

func TestWhoSendsNothingReportsNothing(t *testing.T) {
	s, _, l, _ := connected(t, codec.Opus, 1)
	var reported []bool
	for second := range 8 {
		now := start + time.Duration(second)*time.Second
		if second < 3 || second == 6 {
			give(s, 0, frame{seq: uint16(second), ts: uint32(48000 * second)}, now)
		}
		_, ok := l.SenderReport(now)
		reported = append(reported, ok)
	}
	if want := []bool{true, true, true, true, false, false, true, true}; !slices.Equal(reported, want) {
		t.Errorf("got %v", reported)
	}
}
