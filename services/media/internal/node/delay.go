package node

import "github.com/cardea-rtc/cardea/services/media/internal/packet"

// maxDelay is the most that 12 bits hold, in units of 10 ms.
const maxDelay = 4095

// playoutDelay is an override of how long a receiver may hold a frame; nil means not said.
type playoutDelay struct{ min, max *uint16 }

// set changes what is said: nil stays, below 0 clears. A bound that crosses the other takes it along.
func (d *playoutDelay) set(least, most *int32) {
	if least != nil {
		d.min = bound(*least)
		if d.min != nil && d.max != nil && *d.max < *d.min {
			d.max = d.min
		}
	}
	if most != nil {
		d.max = bound(*most)
		if d.min != nil && d.max != nil && *d.min > *d.max {
			d.min = d.max
		}
	}
}

func bound(v int32) *uint16 {
	if v < 0 {
		return nil
	}
	b := uint16(min(v, maxDelay))
	return &b
}

// value is the whole override, nil for none. One bound alone leaves the other at its limit.
func (d *playoutDelay) value() *packet.PlayoutDelay {
	if d.min == nil && d.max == nil {
		return nil
	}
	v := packet.PlayoutDelay{Max: maxDelay}
	if d.min != nil {
		v.Min = *d.min
	}
	if d.max != nil {
		v.Max = *d.max
	}
	return &v
}
