package videoroom

// maxDelay is the most that the playout-delay extension can say, in units of 10 ms.
const maxDelay = 4095

// setDelays takes min_delay and max_delay of an item over; -1 clears them. One that passes the other takes it along.
func setDelays(item object, least, most **int32) bool {
	lo, hasLo := item.Int32("min_delay")
	hi, hasHi := item.Int32("max_delay")
	if !hasLo && !hasHi {
		return false
	}
	if hasLo && lo < 0 || hasHi && hi < 0 {
		*least, *most = nil, nil
		return true
	}
	lo, hi = min(lo, maxDelay), min(hi, maxDelay)
	switch {
	case !hasLo && *least != nil:
		lo = min(**least, hi)
	case !hasLo:
		lo = 0
	case !hasHi && *most != nil:
		hi = max(**most, lo)
	default:
		hi = max(hi, lo)
	}
	*least, *most = &lo, &hi
	return true
}

// delayOrNone is a delay as a node takes it.
func delayOrNone(d *int32) *int32 {
	if d == nil {
		return new(int32(-1))
	}
	return d
}
