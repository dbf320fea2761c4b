package forward

import (
	"time"

	"github.com/pion/rtcp"
)

// reception is what a reception report says of a layer (RFC 3550, section 6.4.1 and appendix A). Repaired packets
// count as lost, for the publisher's estimate of its bandwidth is to know.
type reception struct {
	ssrc     uint32
	base     uint64 // first sequence number
	highest  uint64
	received uint64

	expectedThen, receivedThen uint64 // at the last report

	jitter       float64 // in units of the clock rate
	transit      uint32  // arrival minus timestamp, of the last packet measured
	transitKnown bool
	ts           uint32 // of the last packet measured

	sr   uint32        // middle 32 bits of the last SR's NTP timestamp; 0 for none
	srAt time.Duration // when that came
}

func (r *reception) start(ssrc uint32, seq uint64) {
	*r = reception{ssrc: ssrc, base: seq, highest: seq}
}

// packet counts one that arrived by itself. The first packet of each frame in order measures jitter.
func (r *reception) packet(seq uint64, ts uint32, arrival time.Duration, clockRate uint32) {
	r.received++
	r.base = min(r.base, seq)
	if seq < r.highest {
		return
	}
	r.highest = seq
	if r.transitKnown && ts == r.ts {
		return
	}
	transit := ticks(arrival, clockRate) - ts
	if r.transitKnown {
		d := float64(int32(transit - r.transit))
		r.jitter += (max(d, -d) - r.jitter) / 16
	}
	r.transit, r.transitKnown, r.ts = transit, true, ts
}

func (r *reception) senderReport(ntp uint64, now time.Duration) {
	r.sr, r.srAt = uint32(ntp>>16), now
}

// report is false if nothing came since the last one.
func (r *reception) report(now time.Duration) (rtcp.ReceptionReport, bool) {
	if r.received == r.receivedThen {
		return rtcp.ReceptionReport{}, false
	}
	expected := r.highest - r.base + 1
	recent, got := expected-r.expectedThen, r.received-r.receivedThen
	r.expectedThen, r.receivedThen = expected, r.received

	var fraction uint8
	if recent > got {
		fraction = uint8((recent - got) << 8 / recent)
	}
	var lost uint32
	if expected > r.received {
		lost = uint32(min(expected-r.received, 1<<23-1))
	}
	out := rtcp.ReceptionReport{
		SSRC:               r.ssrc,
		FractionLost:       fraction,
		TotalLost:          lost,
		LastSequenceNumber: uint32(r.highest - 1<<16), // extended numbers start at one cycle
		Jitter:             uint32(r.jitter),
	}
	if r.sr != 0 {
		out.LastSenderReport = r.sr
		out.Delay = ticks(now-r.srAt, 1<<16)
	}
	return out, true
}
