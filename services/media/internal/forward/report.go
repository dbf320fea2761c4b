package forward

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// HandleReport takes the subscriber's reception report on the leg's SSRC; others are ignored.
func (l *Leg) HandleReport(r *rtcp.ReceptionReport, now time.Duration) {
	if r.SSRC != l.cfg.SSRC {
		return
	}
	lost := int32(r.TotalLost<<8) >> 8
	if more := lost - l.reportedLost; more > 0 {
		l.stats.Lost += uint64(more)
	}
	l.reportedLost = lost
	l.stats.FractionLost = r.FractionLost
	l.stats.Jitter = time.Duration(r.Jitter) * time.Second / time.Duration(l.cfg.Codec.ClockRate())
	if r.LastSenderReport == 0 {
		return
	}
	// RFC 3550, section 6.4.1: in units of 1/65536 s. One that is negative is a clock's fault.
	if rtt := int32(uint32(packet.NTP(now)>>16) - r.LastSenderReport - r.Delay); rtt > 0 {
		l.stats.RTT = time.Duration(rtt) * time.Second >> 16
	}
}

// SenderReport returns an SR (RFC 3550, section 6.4.1) of what was sent, and false if nothing was since the report
// before the last: who does not send has nothing to report (section 6.4). Its timestamps follow the publisher's SRs as
// soon as there are any, so that sound and picture of one publisher can be lined up.
func (l *Leg) SenderReport(now time.Duration) (rtcp.SenderReport, bool) {
	sent := l.stats.Packets + l.stats.Retransmitted
	lately := sent != l.sentBefore[1]
	l.sentBefore = [2]uint64{sent, l.sentBefore[0]}
	if !l.end.sent || !lately {
		return rtcp.SenderReport{}, false
	}
	return rtcp.SenderReport{
		SSRC:        l.cfg.SSRC,
		NTPTime:     packet.NTP(now),
		RTPTime:     l.timestampNow(now),
		PacketCount: uint32(l.stats.Packets),
		OctetCount:  uint32(l.stats.Bytes),
	}, true
}

// timestampNow returns the outgoing timestamp of what the publisher captures now, transit time apart.
func (l *Leg) timestampNow(now time.Duration) uint32 {
	rate := l.cfg.Codec.ClockRate()
	if l.source != nil && l.choice.current != none {
		if y := &l.source.layers[l.choice.current]; y.srKnown && y.first == l.epoch {
			since := now - l.source.cfg.Clock.toNode(y.srNTP)
			return y.srTS + ticks(since, rate) + l.history.last().ts
		}
	}
	return l.end.ts + ticks(now-l.end.arrival, rate)
}
