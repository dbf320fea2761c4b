package forward

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

const (
	// packetOverhead is what goes out with each payload, in bytes: RTP header, our extensions, SRTP's tag, UDP and IPv4.
	packetOverhead = 12 + 16 + 16 + 8 + 20

	sublayers  = 3 // spatial and temporal layers told apart; those above count as the highest
	rateWindow = 500 * time.Millisecond
	// rateWeight is that of a window in the average: key frames make windows differ.
	rateWeight = 0.3
	// rateGone is how long a layer is silent until it is none to choose.
	rateGone = time.Second
)

// rates is how much arrives of one simulcast layer, by spatial and temporal layer. Its zero value is ready.
type rates struct {
	bytes [sublayers][sublayers]uint32 // of this window
	bps   [sublayers][sublayers]float64
	since time.Duration
	known bool
}

func (r *rates) count(d *codec.Descriptor, size int, now time.Duration) {
	if r.since == 0 {
		r.since = now
	}
	r.bytes[min(d.Spatial, sublayers-1)][min(d.Temporal, sublayers-1)] += uint32(size + packetOverhead)
}

// tick closes the window if it is time. One that follows a silence is the first again.
func (r *rates) tick(now time.Duration, silent bool) {
	if silent {
		*r = rates{}
		return
	}
	if r.since == 0 || now-r.since < rateWindow {
		return
	}
	length := (now - r.since).Seconds()
	weight := rateWeight
	if !r.known {
		weight = 1
	}
	for s := range r.bytes {
		for t := range r.bytes[s] {
			r.bps[s][t] += weight * (float64(8*r.bytes[s][t])/length - r.bps[s][t])
		}
	}
	r.bytes, r.since, r.known = [sublayers][sublayers]uint32{}, now, true
}

// upTo is the rate of all layers up to these, in bits a second.
func (r *rates) upTo(spatial, temporal int) uint64 {
	var sum float64
	for s := range min(spatial+1, sublayers) {
		for t := range min(temporal+1, sublayers) {
			sum += r.bps[s][t]
		}
	}
	return uint64(sum)
}
