package congestion

import "time"

const (
	rateStep  = 20 * time.Millisecond
	rateSteps = 64 // a little more than a second
)

// arrivalRate is how many bits arrived lately, by the endpoint's clock. Its zero value is ready.
type arrivalRate struct {
	bytes  [rateSteps]uint32 // by step of arrival
	first  int64             // step since which there is no hole
	last   int64             // the latest
	latest time.Duration     // arrival
	known  bool
}

func (r *arrivalRate) add(at time.Duration, size int) {
	step := int64(at / rateStep)
	switch {
	case !r.known || step-r.last >= rateSteps:
		r.bytes = [rateSteps]uint32{}
		r.first, r.last, r.latest, r.known = step, step, at, true
	case step <= r.last-rateSteps:
		return
	}
	for r.last < step {
		r.last++
		r.bytes[r.last%rateSteps] = 0
	}
	r.bytes[step%rateSteps] += uint32(size)
	r.latest = max(r.latest, at)
}

// forget is called when feedback is missing: what is known so far cannot be gone on with.
func (r *arrivalRate) forget() { r.known = false }

// over returns the rate of the time given, up to a second, that ended with the latest arrival; 0 if that is too little
// to tell. What came last is counted: after a pause it is what had been waiting.
func (r *arrivalRate) over(window time.Duration) float64 {
	const least = 4
	if !r.known {
		return 0
	}
	steps := min(int64(window/rateStep), r.last-r.first)
	if steps < least {
		return 0
	}
	var sum uint64
	for step := r.last - steps; step <= r.last; step++ {
		sum += uint64(r.bytes[step%rateSteps])
	}
	return float64(8*sum) / (r.latest - time.Duration(r.last-steps)*rateStep).Seconds()
}
