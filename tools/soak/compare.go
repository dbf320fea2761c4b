package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const mib = 1 << 20

// tolerance is how much more there may be in the end than there was: a share, and a number beside.
type tolerance struct{ share, more float64 }

// tolerances by what is measured. Goroutines: workers of pools and connections that come and go. Descriptors: idle connections to
// Redis and other nodes, which pools keep. Memory: what the Go runtime keeps for the next peak; a leak of an hour is far more.
var tolerances = map[string]tolerance{
	"goroutines":    {0, 25},
	"descriptors":   {0, 25},
	"memory":        {0.5, 48 * mib},
	"keys":          {0, 8},
	"connections":   {0, 0},
	"subscriptions": {0, 4},
}

// compare returns a sentence for each that is more in the end than it may be. Of each node that has ended Redis keeps for a week
// that it is fenced: a key for each process that was killed or restarted is no leak.
func compare(began, ended sample, ends int) (left []string) {
	for _, k := range sorted(began) {
		t, was, is := tolerances[k.what], began.values[k], ended.values[k]
		most := was*(1+t.share) + t.more
		if k.what == "keys" {
			most += float64(ends)
		}
		if is > most {
			left = append(left, fmt.Sprintf("%s of %s: %s in the end, %s in the beginning, at most %s would do",
				k.what, k.of, show(k, is), show(k, was), show(k, most)))
		}
	}
	return left
}

func sorted(s sample) []key {
	return slices.SortedFunc(maps.Keys(s.values), func(a, b key) int {
		return cmp.Or(strings.Compare(a.what, b.what), strings.Compare(a.of, b.of))
	})
}

func show(k key, v float64) string {
	if k.what == "memory" {
		return fmt.Sprintf("%.1f MiB", v/mib)
	}
	return fmt.Sprintf("%.0f", v)
}

// table is the beginning, the peak and the end of each.
func table(began sample, all []sample, ended sample) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%-28s %12s %12s %12s\n", "", "began", "peak", "ended")
	for _, k := range sorted(began) {
		peak := 0.0
		for _, s := range all {
			peak = max(peak, s.values[k])
		}
		fmt.Fprintf(&w, "%-28s %12s %12s %12s\n", k.what+" of "+k.of, show(k, began.values[k]), show(k, peak), show(k, ended.values[k]))
	}
	return w.String()
}
