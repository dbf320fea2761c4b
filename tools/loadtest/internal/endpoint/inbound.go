package endpoint

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/tally"
)

const (
	maxMissing = 128 // packets of a stream that are asked for at a time
	maxAsked   = 10  // times, as in browsers
	maxGap     = 512 // packets; beyond it a stream has begun anew
)

// inbound is one RTP stream as a subscriber gets it.
type inbound struct {
	ssrc      uint32
	clockRate uint32 // Hz
	id        synth.StreamID
	of        *tally.Tally // nil until a packet has been verified
	offset    uint32       // what to take from an extended sequence number to get the counter of our packet in it

	first, highest uint64 // extended sequence numbers (RFC 3550, appendix A.1)
	received       uint64
	missing        map[uint64]int // how often each was asked for

	reportedExpected, reportedReceived uint64
	jitter                             float64 // in units of the clock rate
	transit                            float64
	senderReport                       uint32 // middle of the NTP time of the last
	senderReportAt                     time.Duration
}

// count takes the header of a packet of the stream, and returns its extended sequence number.
func (in *inbound) count(h *header, at time.Duration) (seq uint64) {
	if in.received == 0 {
		in.first = 1<<32 + uint64(h.seq) // room for what came before the first
		in.highest = in.first
	}
	seq = in.highest + uint64(int64(int16(h.seq-uint16(in.highest))))
	in.received++
	if seq > in.highest {
		if seq-in.highest <= maxGap {
			for lost := in.highest + 1; lost < seq && len(in.missing) < maxMissing; lost++ {
				in.missing[lost] = 0
			}
		}
		in.highest = seq
	} else {
		delete(in.missing, seq)
	}
	transit := at.Seconds()*float64(in.clockRate) - float64(h.ts)
	if in.transit != 0 {
		in.jitter += (abs(transit-in.transit) - in.jitter) / 16 // RFC 3550, appendix A.8
	}
	in.transit = transit
	return seq
}

func abs(x float64) float64 { return max(x, -x) }

// wanted returns the sequence numbers to ask for.
func (in *inbound) wanted() (numbers []uint16) {
	for seq, asked := range in.missing {
		if asked == maxAsked {
			delete(in.missing, seq)
			continue
		}
		in.missing[seq] = asked + 1
		numbers = append(numbers, uint16(seq))
	}
	return numbers
}

// report is about the time since the last (RFC 3550, section 6.4.1).
func (in *inbound) report(now time.Duration) rtcp.ReceptionReport {
	expected := in.highest - in.first + 1
	r := rtcp.ReceptionReport{
		SSRC: in.ssrc, LastSequenceNumber: uint32(in.highest - 1<<32), Jitter: uint32(in.jitter), LastSenderReport: in.senderReport,
	}
	if expected > in.received {
		r.TotalLost = uint32(min(expected-in.received, 1<<23-1))
	}
	sinceExpected, sinceReceived := expected-in.reportedExpected, in.received-in.reportedReceived
	if sinceExpected > sinceReceived {
		r.FractionLost = uint8(min((sinceExpected-sinceReceived)*256/sinceExpected, 255))
	}
	in.reportedExpected, in.reportedReceived = expected, in.received
	if in.senderReport != 0 {
		r.Delay = uint32((now - in.senderReportAt).Seconds() * 65536)
	}
	return r
}
