package forward

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	resendBudget = 256 // retransmissions at most at once; each packet sent earns half of one
	// resendPause is how long a packet is not sent again after it was: the next NACK for it crossed the answer.
	resendPause  = 20 * time.Millisecond
	resendsKnown = 64 // must be a power of two
	// maxResendAge is how far back a packet may be, in sequence numbers: well within half the range, where SRTP's
	// roll-over counter is beyond doubt.
	maxResendAge = 1 << 14
)

// resends is a leg's budget of retransmissions and the numbers of its RTX stream.
type resends struct {
	started bool
	halves  int      // what is left of the budget, in half retransmissions
	seq     uint64   // of the last, extended
	recent  []resend // by outgoing number; made with the first
}

type resend struct {
	out uint64
	at  time.Duration
}

// earn adds to the budget what one packet sent is good for.
func (r *resends) earn() { r.halves = min(r.halves+1, 2*resendBudget) }

// next returns the next sequence number of the RTX stream. The first is low, for the same reason as a leg's.
func (r *resends) next() uint16 {
	r.seq++
	return uint16(r.seq)
}

// spend is false if the budget is used up.
func (r *resends) spend() bool {
	if !r.started {
		r.started, r.halves = true, 2*resendBudget
	}
	if r.halves < 2 {
		return false
	}
	r.halves -= 2
	return true
}

// justSent is true if the packet was sent again a moment ago; otherwise it notes that it is now.
func (r *resends) justSent(out uint64, now time.Duration) bool {
	if r.recent == nil {
		r.recent = make([]resend, resendsKnown)
	}
	last := &r.recent[out%resendsKnown]
	if last.out == out && now-last.at < resendPause {
		return true
	}
	*last = resend{out, now}
	return false
}

// HandleNACK sends packets of the leg's SSRC again, as far as they are still held and the budget for it allows. What
// the node lacks itself has been asked for, and goes out when it comes.
func (l *Leg) HandleNACK(seqs []uint16, now time.Duration) {
	l.stats.NACKs += uint64(len(seqs))
	if !l.cfg.NACK || !l.end.sent {
		return
	}
	for _, seq := range seqs {
		l.resend(packet.Nearest(l.end.last, seq), now)
	}
}

func (l *Leg) resend(out uint64, now time.Duration) {
	r, t := l.held(out)
	switch {
	case t == nil:
		l.stats.NACKMisses++
	case l.resends.justSent(out, now):
	case !l.resends.spend():
		l.stats.NACKOverspent++
	case l.cfg.RTXSSRC == 0:
		l.stats.Retransmitted++
		l.write(t, r, out, now)
	default:
		l.stats.Retransmitted++
		l.writeRTX(t, r, out, now)
	}
}

// held returns the received packet that went out under a number, if the ring still has it, and how it was made.
func (l *Leg) held(out uint64) (*run, *slot) {
	if l.source == nil || out > l.end.last || l.end.last-out > maxResendAge {
		return nil, nil
	}
	r := l.history.byOut(out)
	if r == nil {
		return nil, nil
	}
	t := l.source.layers[r.layer].ring.get(r.src + (out - r.out))
	if t == nil || len(t.payload) == 0 {
		return nil, nil
	}
	return r, t
}
