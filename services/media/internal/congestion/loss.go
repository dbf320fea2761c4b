package congestion

import (
	"math"
	"time"
)

const (
	lossWindow  = 500 * time.Millisecond
	lossPackets = 20 // that a window has at least
	lossWindows = 8  // over which loss that is always there is learnt
	muchLoss    = 0.1
	littleLoss  = 0.02
)

// lossMeter tells loss by congestion from loss that the path has at any rate. Its zero value is ready.
type lossMeter struct {
	received, lost int
	since          time.Duration
	past           [lossWindows]float64 // of windows, a ring; at first as if nothing had been lost
	windows        int
	share          float64 // of the last window
	excess         float64 // what of that is beyond doubt more than usual
}

// count takes what one feedback says.
func (m *lossMeter) count(received, lost int) {
	m.received = max(m.received+received, 0)
	m.lost = max(m.lost+lost, 0) // a packet may turn out not to be
}

// close ends the window if it is time, and then is true.
func (m *lossMeter) close(now time.Duration) bool {
	n := m.received + m.lost
	if m.since == 0 {
		m.since = now
	}
	if now-m.since < lossWindow || n < lossPackets {
		return false
	}
	share := float64(m.lost) / float64(n)
	usual := m.past[0]
	for _, p := range m.past[1:] {
		usual = min(usual, p)
	}
	doubt := math.Sqrt(share * (1 - share) / float64(n))
	m.share = share
	m.excess = max(share-doubt-usual, 0)
	m.past[m.windows%lossWindows] = share
	m.windows++
	m.received, m.lost, m.since = 0, 0, now
	return true
}
