package endpoint

import "time"

// Clock is the time since a run began. Publishers and subscribers share one, so that one-way delay can be measured.
type Clock struct{ start time.Time }

// StartClock returns a clock that is at 0 now.
func StartClock() Clock { return Clock{time.Now()} }

// Now is monotonic.
func (c Clock) Now() time.Duration { return time.Since(c.start) }
