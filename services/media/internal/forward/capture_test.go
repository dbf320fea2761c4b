package forward

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// TestCaptureTimeFollowsTheClockOfOurReports: the capturer's clock is that of the sender's reports plus the offset, for
// the publisher's reports and offset as for ours.
func TestCaptureTimeFollowsTheClockOfOurReports(t *testing.T) {
	for _, behind := range []time.Duration{3 * time.Second, -90 * time.Minute} { // of the publisher's clock
		s, _, l, sub := connected(t, codec.Opus, 1)
		sub.ids.AbsCaptureTime = 7
		cfg := l.cfg
		cfg.Extensions = sub.ids
		l.Reconfigure(cfg)
		capturerAhead := 250 * time.Millisecond // of the publisher
		at := start
		give := func(n int) {
			at += 20 * time.Millisecond
			s.Receive(0, &packet.Packet{
				Header: packet.Header{SSRC: 0x100, Seq: uint16(n), Timestamp: uint32(960 * n)}, Payload: []byte{1}, Arrival: at,
				Ext: packet.Extensions{Present: packet.HasAbsCaptureTime, AbsCaptureTime: packet.AbsCaptureTime{
					NTP: packet.NTP(at - behind + capturerAhead), Offset: packet.FixedPoint(capturerAhead), HasOffset: true,
				}},
			})
			s.Flush(at)
		}
		give(0)
		s.SenderReport(0, packet.NTP(at-behind), 0, at)
		give(1)
		if got := sub.sent[0].Ext; !got.Present.Has(packet.HasAbsCaptureTime) || got.AbsCaptureTime.HasOffset {
			t.Errorf("before the publisher's clock is known: %+v", got)
		}
		got := sub.sent[1].Ext.AbsCaptureTime
		if want := packet.NTP(at - behind + capturerAhead); got.NTP != want || !got.HasOffset {
			t.Errorf("capture time %x, not %x", got.NTP, want)
		}
		if off := got.Offset - packet.FixedPoint(capturerAhead-behind); off < -8 || off > 8 {
			t.Errorf("offset %.6f s, not %v", float64(got.Offset)/(1<<32), capturerAhead-behind)
		}
	}
}
