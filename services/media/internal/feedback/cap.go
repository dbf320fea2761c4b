package feedback

import "time"

const (
	capRepeat = 5 * time.Second
	capRamp   = 4 // the first packets, which are told a part of the cap each
)

// Cap decides when a publisher is told its bitrate cap by REMB, as Janus does: with the first four video packets, as
// a ramp of a fourth, a third, a half and the whole; then every 5 s; and at once when it changes.
type Cap struct {
	bps     uint64
	packets uint64 // of video, up to the length of the ramp
	told    time.Duration
	changed bool
}

// Set sets the cap in bits a second, 0 for none.
func (c *Cap) Set(bps uint64) {
	c.changed = c.changed || bps != c.bps
	c.bps = bps
}

// OnPacket is called with each video packet that arrives, and says whether a REMB of bps is to be sent now. A cap
// taken away is told once, as a REMB of 0.
func (c *Cap) OnPacket(now time.Duration) (bps uint64, send bool) {
	bps = c.bps
	switch {
	case c.packets < capRamp:
		bps /= capRamp - c.packets
		c.packets++
		send = c.bps > 0
	case c.changed:
		send = true
	default:
		send = c.bps > 0 && now-c.told >= capRepeat
	}
	if send {
		c.told = now
	}
	if c.packets == capRamp {
		c.changed = false
	}
	return bps, send
}
