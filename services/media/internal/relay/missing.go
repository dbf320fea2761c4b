package relay

import (
	"slices"
	"time"
)

const (
	maxMissing  = MaxNACK
	maxAsks     = 10
	giveUpAfter = time.Second           // as publishers are
	firstRTT    = 50 * time.Millisecond // until there is a measurement
	// RetryAfter is how long an answer is given at least.
	RetryAfter = 10 * time.Millisecond
)

// Missing knows which datagrams of a relay have not come. Its zero value is for a relay of which nothing has.
type Missing struct {
	last     uint64 // the highest number that came
	packets  []missing
	rtt      time.Duration // smoothed, from a NACK to its answer; 0 for unknown
	Lost     uint64        // seen to be missing
	Repaired uint64        // of these, came again, or late
	Unasked  uint64        // of these, too many at once to be asked for
}

type missing struct {
	number  uint64
	noticed time.Duration
	asked   time.Duration // the last time
	asks    int
}

// Came notes that a datagram has come.
func (m *Missing) Came(number uint64, now time.Duration) {
	if number <= m.last {
		m.found(number, now)
		return
	}
	first := m.last + 1
	m.last = number
	if gap := number - first; gap > 0 {
		m.Lost += gap
		if gap > maxMissing {
			m.Unasked += gap - maxMissing
			first = number - maxMissing
		}
	}
	for n := first; n < number; n++ {
		if len(m.packets) == maxMissing {
			m.Unasked++
			m.packets = slices.Delete(m.packets, 0, 1)
		}
		m.packets = append(m.packets, missing{number: n, noticed: now})
	}
}

// Repeated notes that what a datagram had has come by another, or is gone for good.
func (m *Missing) Repeated(number uint64, gone bool, now time.Duration) {
	if m.found(number, now) && gone {
		m.Repaired--
	}
}

func (m *Missing) found(number uint64, now time.Duration) bool {
	for i := range m.packets {
		p := m.packets[i]
		if p.number != number {
			continue
		}
		if p.asks == 1 { // of several NACKs one could not say which was answered
			m.measure(now - p.asked)
		}
		m.packets = slices.Delete(m.packets, i, i+1)
		m.Repaired++
		return true
	}
	return false
}

func (m *Missing) measure(rtt time.Duration) {
	if m.rtt == 0 {
		m.rtt = rtt
		return
	}
	m.rtt += (rtt - m.rtt) / 8
}

// Waiting is true while something is to be asked for, now or later.
func (m *Missing) Waiting() bool { return len(m.packets) > 0 }

// Due appends the numbers to ask for now, ascending, as one NACK holds them, and forgets what is no longer worth it.
func (m *Missing) Due(dst []uint64, now time.Duration) []uint64 {
	rtt := m.rtt
	if rtt == 0 {
		rtt = firstRTT
	}
	kept := m.packets[:0]
	for _, p := range m.packets {
		if now-p.noticed >= giveUpAfter {
			continue
		}
		if p.asks == 0 || p.asks < maxAsks && now-p.asked >= max(rtt+rtt/4, RetryAfter)*time.Duration(p.asks) {
			if len(dst) == 0 || p.number-dst[0] < 1<<16 {
				dst = append(dst, p.number)
				p.asks++
				p.asked = now
			}
		}
		kept = append(kept, p)
	}
	m.packets = kept
	return dst
}
