package histogram

import (
	"math"
	"testing"
	"time"
)

func TestEveryValueLiesInItsBucket(t *testing.T) {
	for shift := range 63 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1, 1<<shift | 1<<shift>>1} {
			i := bucket(v)
			if v > highest(i) || i > 0 && v <= highest(i-1) {
				t.Errorf("%d is in bucket %d, which holds %d to %d", v, i, highest(i-1)+1, highest(i))
			}
			if high := float64(highest(i)); high > float64(v)*(1+1.0/steps) {
				t.Errorf("%d would be told as %.0f", v, high)
			}
		}
	}
	if i := bucket(math.MaxInt64); i >= len(new(Histogram).buckets) {
		t.Errorf("the longest duration is in bucket %d, and there are %d", i, len(new(Histogram).buckets))
	}
}

func TestQuantiles(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("empty: %v", got)
	}
	for i := range 1000 {
		h.Record(time.Duration(i+1) * time.Millisecond)
	}
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0, time.Millisecond}, {0.5, 500 * time.Millisecond}, {0.99, 990 * time.Millisecond}, {1, time.Second}} {
		if got := h.Quantile(c.q); got < c.want || got > c.want+c.want/steps {
			t.Errorf("quantile %v: %v, want %v", c.q, got, c.want)
		}
	}
	if h.Max() != time.Second || h.Count() != 1000 {
		t.Errorf("max %v, count %d", h.Max(), h.Count())
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Record(time.Second) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestResetForgets(t *testing.T) {
	var h Histogram
	h.Record(time.Second)
	h.Reset()
	if h.Count() != 0 || h.Max() != 0 || h.Quantile(0.5) != 0 {
		t.Errorf("%d, %v, %v", h.Count(), h.Max(), h.Quantile(0.5))
	}
}
