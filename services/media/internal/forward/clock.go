package forward

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// PublisherClock relates a publisher's NTP clock to the node's. One is shared by all streams of a publisher, so that
// whatever error the estimate has, it is the same for sound and picture. Its zero value is ready.
type PublisherClock struct {
	offset time.Duration // node's clock minus publisher's, transit time included
	known  bool
}

// clockStep is a difference that is no jitter: the publisher's clock was set.
const clockStep = 500 * time.Millisecond

// observe takes the NTP timestamp of an SR that has just come.
func (c *PublisherClock) observe(ntp uint64, now time.Duration) {
	sample := now - packet.FromNTP(ntp)
	if d := sample - c.offset; c.known && d.Abs() < clockStep {
		c.offset += d / 16
		return
	}
	c.offset, c.known = sample, true
}

// toNode returns a time of the publisher's on the node's clock.
func (c *PublisherClock) toNode(ntp uint64) time.Duration { return packet.FromNTP(ntp) + c.offset }

// relate makes a capture time speak of the node's clock, which our sender reports show, instead of the publisher's. It
// does so once for each packet received, so that one that is sent again is as it was.
func (c *PublisherClock) relate(t *packet.AbsCaptureTime) {
	t.HasOffset = t.HasOffset && c.known
	t.Offset -= packet.FixedPoint(c.offset)
}

// ticks returns d, of any length, in units of a clock rate, modulo 2^32.
func ticks(d time.Duration, rate uint32) uint32 {
	whole, rest := int64(d/time.Second), int64(d%time.Second)
	return uint32(whole*int64(rate) + rest*int64(rate)/int64(time.Second))
}
