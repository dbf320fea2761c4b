package relay

import "time"

// clockWindow is how long the shortest transit is remembered, once or twice: clocks drift.
const clockWindow = 10 * time.Second

// Clock relates the clock of another node to this one's, by the shortest time that its datagrams have taken lately: that is
// taken for none. Its zero value is ready.
type Clock struct {
	shortest, before time.Duration // of this window, and of the one before
	since            time.Duration // when this one began
	known, twice     bool
}

// Sample takes the time of the other node at which a datagram was sent that has come now.
func (c *Clock) Sample(sent, now time.Duration) {
	transit := now - sent
	switch {
	case !c.known:
		c.shortest, c.since, c.known = transit, now, true
	case now-c.since >= clockWindow:
		c.before, c.shortest, c.since, c.twice = c.shortest, transit, now, true
	default:
		c.shortest = min(c.shortest, transit)
	}
}

// Offset is this node's clock minus the other's; false if it is not known yet.
func (c *Clock) Offset() (time.Duration, bool) {
	if c.twice {
		return min(c.shortest, c.before), true
	}
	return c.shortest, c.known
}
