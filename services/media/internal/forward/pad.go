package forward

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	padDepth = 32  // packets back that are repeated
	padSize  = 255 // bytes of padding in one packet at most (RFC 3550, section 5.1)
)

// Pad sends about size bytes of what the subscriber has no use for, to find out whether its connection takes them: on
// the RTX stream, packets sent lately again or, if none is held any more, padding. It returns how many bytes that was,
// RTP headers included; 0 without RTX, for on
// the leg's own SSRC each packet would take a sequence number, and for a leg that is not to flow.
func (l *Leg) Pad(size int, now time.Duration) int {
	if l.cfg.RTXSSRC == 0 || !l.wanted || !l.end.sent {
		return 0
	}
	sent := 0
	for sent < size {
		sent += l.padOnce(now)
		l.stats.Padding++
	}
	return sent
}

func (l *Leg) padOnce(now time.Duration) int {
	if l.padded <= l.end.last-min(l.end.last, padDepth) || l.padded > l.end.last {
		l.padded = l.end.last
	}
	r, t := l.held(l.padded)
	l.padded--
	if t == nil {
		return l.writePadding(now)
	}
	l.writeRTX(t, r, l.padded+1, now)
	return len(t.payload) + packetOverhead
}

// writePadding sends an RTX packet that repeats nothing.
func (l *Leg) writePadding(now time.Duration) int {
	h := packet.Header{
		SSRC: l.cfg.RTXSSRC, PayloadType: l.cfg.RTXPayloadType, Seq: l.resends.next(), Timestamp: l.end.ts,
	}
	ext := l.extensions(&slot{}, &run{}, now)
	b := packet.AppendHeader(l.cfg.Sender.Buffer(), &h, &l.ids, &ext)
	l.cfg.Sender.SendRTP(b, packet.AppendPadding(b, padSize)[len(b):])
	return padSize + packetOverhead
}
