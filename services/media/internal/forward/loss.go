package forward

import "time"

const (
	maxMissing    = 256                    // packets waited for at a time; a longer gap is no loss but a jump
	maxAsks       = 10                     // NACKs for one packet
	giveUpAfter   = time.Second            // a packet that comes later is of no use to anybody
	firstRTT      = 100 * time.Millisecond // until there is a measurement
	minRetryAfter = 20 * time.Millisecond
)

// missing is a packet that has not come.
type missing struct {
	seq     uint64
	noticed time.Duration
	asked   time.Duration // the last time
	asks    int
}

// lossTracker knows which packets of a layer are missing, and when to ask for them.
type lossTracker struct {
	packets []missing     // ascending
	rtt     time.Duration // smoothed, from a NACK to its answer; 0 for unknown
}

// gap notes that the packets from first up to but not including end have not come.
func (t *lossTracker) gap(first, end uint64, now time.Duration) {
	if end-first > maxMissing {
		t.packets = t.packets[:0]
		return
	}
	if over := len(t.packets) + int(end-first) - maxMissing; over > 0 {
		t.packets = append(t.packets[:0], t.packets[over:]...)
	}
	for seq := first; seq < end; seq++ {
		t.packets = append(t.packets, missing{seq: seq, noticed: now})
	}
}

// found notes that a packet has come after all.
func (t *lossTracker) found(seq uint64, now time.Duration) {
	for i := range t.packets {
		m := t.packets[i]
		if m.seq != seq {
			continue
		}
		if m.asks == 1 { // of several NACKs one could not say which was answered
			t.measure(now - m.asked)
		}
		t.packets = append(t.packets[:i], t.packets[i+1:]...)
		return
	}
}

func (t *lossTracker) measure(rtt time.Duration) {
	if t.rtt == 0 {
		t.rtt = rtt
		return
	}
	t.rtt += (rtt - t.rtt) / 8
}

// retryAfter is how long an ask is given to be answered: a round trip and a quarter, and longer each time.
func (t *lossTracker) retryAfter(asks int) time.Duration {
	rtt := t.rtt
	if rtt == 0 {
		rtt = firstRTT
	}
	return max(rtt+rtt/4, minRetryAfter) * time.Duration(asks)
}

// due appends what to ask for now, and forgets what is no longer worth it.
func (t *lossTracker) due(dst []uint16, now time.Duration) []uint16 {
	kept := t.packets[:0]
	for _, m := range t.packets {
		if now-m.noticed >= giveUpAfter {
			continue
		}
		if m.asks == 0 || m.asks < maxAsks && now-m.asked >= t.retryAfter(m.asks) {
			dst = append(dst, uint16(m.seq))
			m.asks++
			m.asked = now
		}
		kept = append(kept, m)
	}
	t.packets = kept
	return dst
}

func (t *lossTracker) reset() { t.packets = t.packets[:0] }
