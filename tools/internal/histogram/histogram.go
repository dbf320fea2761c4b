// Package histogram counts durations and tells their percentiles.
package histogram

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Durations are sorted into steps of a 32nd of their power of two, so a percentile is at most 3 % too high.
const (
	stepBits = 5
	steps    = 1 << stepBits
)

// Histogram counts durations. The zero value is ready; it is safe for concurrent use and allocates nothing.
type Histogram struct {
	buckets [(64 - stepBits) * steps]atomic.Uint64
	count   atomic.Uint64
	max     atomic.Int64 // ns
}

// Record counts d; a negative one counts as zero.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucket(uint64(d))].Add(1)
	h.count.Add(1)
	for {
		old := h.max.Load()
		if int64(d) <= old || h.max.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

// Reset forgets everything. What is recorded meanwhile may be forgotten, too, or only in part.
func (h *Histogram) Reset() {
	for i := range h.buckets {
		h.buckets[i].Store(0)
	}
	h.count.Store(0)
	h.max.Store(0)
}

// Count is how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.count.Load() }

// Max is the longest one, exactly.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Quantile returns the duration that a share of q, 0 to 1, of all does not exceed; 0 if there are none. Not exact while
// others record.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(uint64(q*float64(h.Count())+0.5), 1)
	var seen uint64
	for i := range h.buckets {
		seen += h.buckets[i].Load()
		if seen >= rank {
			return min(time.Duration(highest(i)), h.Max())
		}
	}
	return h.Max()
}

// bucket is where v is counted: the first 2*steps values have one each, and then each power of two has steps.
func bucket(v uint64) int {
	shift := max(bits.Len64(v)-1-stepBits, 0)
	return shift*steps + int(v>>shift)
}

// highest is the largest value that is counted in bucket i.
func highest(i int) uint64 {
	shift := max(i/steps-1, 0)
	return uint64(i-shift*steps+1)<<shift - 1
}
