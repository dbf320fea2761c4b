package forward

import "time"

const (
	defaultFallback = 250 * time.Millisecond
	// askAgainAfter is how long a leg waits for a key frame, or for any packet at all, until it asks again.
	askAgainAfter = time.Second
	none          = -1 // no layer yet
)

// choice is which layers a leg wants and which it has.
type choice struct {
	targets       Targets
	allowed       Allowance     // what there is room for
	wanted        int           // substream to get to: the target, or what stands in for it
	current       int           // substream relayed, none while waiting for a key frame
	temporal      int           // highest temporal layer relayed
	spatial       int           // highest spatial layer relayed
	asked         time.Duration // for a key frame, the last time
	toldSubstream int
	toldTemporal  int
	toldSpatial   int
	spatialAt     [sublayers]time.Duration // when the last packet relayed of each spatial layer arrived, 0 if none did
	latest        time.Duration            // when the last packet relayed of SVC arrived
}

func newChoice() choice {
	return choice{
		targets: BestLayers, allowed: Unlimited,
		current: none, toldSubstream: none, toldTemporal: none, toldSpatial: none,
	}
}

// targetTemporal returns the highest temporal layer that may be relayed, for a simulcast or an SVC stream.
func (c *choice) targetTemporal(svc bool) int {
	if svc {
		return min(c.targets.TemporalLayer, c.allowed.TemporalLayer)
	}
	return min(c.targets.Temporal, c.allowed.Temporal)
}

func (c *choice) targetSpatial() int { return min(c.targets.SpatialLayer, c.allowed.SpatialLayer) }

// substreamNow returns the substream to get to: the target if it flows, else the next lower one that does, else the
// target.
func (c *choice) substreamNow(s *Stream, now time.Duration) int {
	target := min(c.targets.Substream, c.allowed.Substream, len(s.layers)-1)
	fallback := c.targets.Fallback
	if fallback == 0 {
		fallback = defaultFallback
	}
	for i := target; i >= 0; i-- {
		if s.layers[i].flows(now, fallback) {
			return i
		}
	}
	return target
}

// onTheWay is true if a key frame of a layer may be switched to: any that is allowed at the start, later those between
// the current layer and the wanted one.
func (c *choice) onTheWay(layer int) bool {
	switch {
	case layer == c.current:
		return true
	case c.current == none:
		return layer <= c.allowed.Substream
	case c.current < c.wanted:
		return c.current < layer && layer <= c.wanted
	default:
		return c.wanted <= layer && layer < c.current
	}
}
