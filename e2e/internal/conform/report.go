package conform

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cardea-rtc/cardea/e2e/internal/talk"
)

// Report gathers what comparisons came to.
type Report struct {
	// Reason says why a difference is meant; empty if it is not.
	Reason func(difference string) string

	mu      sync.Mutex
	steps   int
	unequal int                 // steps with a difference
	reasons map[string]int      // steps that differ, by reason
	sample  map[string]string   // a difference for each reason
	fresh   map[string][]string // differences without a reason, by conversation
}

// Unexplained are the differences of one conversation that have no reason.
func (r *Report) Unexplained(want, got []talk.Step) []string {
	return slices.DeleteFunc(talk.Differences(want, got), func(d string) bool { return r.Reason(d) != "" })
}

// Add compares what two servers said in one conversation. It returns the differences that have no reason.
func (r *Report) Add(name string, want, got []talk.Step) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reasons == nil {
		r.reasons, r.sample, r.fresh = map[string]int{}, map[string]string{}, map[string][]string{}
	}
	var fresh []string
	for i := range max(len(want), len(got)) {
		w, g := want[min(i, len(want)):min(i+1, len(want))], got[min(i, len(got)):min(i+1, len(got))]
		differences := talk.Differences(w, g)
		if len(differences) == 0 && len(w[0].Heard) == 0 {
			continue // sessions and handles are made without anything to compare
		}
		r.steps++
		if len(differences) > 0 {
			r.unequal++
		}
		var seen []string
		for _, d := range differences {
			reason := r.Reason(d)
			switch {
			case reason == "":
				fresh = append(fresh, d)
			case !slices.Contains(seen, reason):
				seen = append(seen, reason)
				r.reasons[reason]++
				r.sample[reason] = d
			}
		}
	}
	if len(fresh) > 0 {
		r.fresh[name] = fresh
	}
	return fresh
}

// Steps returns how many steps were compared, and how many of them were equal.
func (r *Report) Steps() (all, equal int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.steps, r.steps - r.unequal
}

// Print writes the share of equal steps and the differences.
func (r *Report) Print(w io.Writer, title string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(w, "%s: %d of %d steps equal (%.1f %%)\n", title, r.steps-r.unequal, r.steps,
		100*float64(r.steps-r.unequal)/float64(max(r.steps, 1)))
	for _, reason := range slices.Sorted(maps.Keys(r.reasons)) {
		_, _ = fmt.Fprintf(w, "  %4d  %s\n        such as %s\n", r.reasons[reason], reason, cut(r.sample[reason]))
	}
	for _, name := range slices.Sorted(maps.Keys(r.fresh)) {
		for _, d := range r.fresh[name] {
			_, _ = fmt.Fprintf(w, "  NEW in %s: %s\n", name, cut(d))
		}
	}
}

// cut shortens a line, in what is repeated in it first.
func cut(line string) string {
	line = strings.ReplaceAll(line, strings.Repeat("long ", 600), "long long …")
	const most = 600
	if len(line) > most {
		return line[:most] + "…"
	}
	return line
}
