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

// Kind is where a difference that is meant comes from.
type Kind int

// The kinds.
const (
	Own    Kind = iota // Cardea's choice
	Newer              // of versions of Janus: Cardea does as a later one
	Defect             // of Janus: Cardea does not have it
)

func (k Kind) String() string {
	return [...]string{"Cardea's choice", "as Janus 1.4", "a defect of Janus"}[k]
}

// Report gathers what comparisons came to.
type Report struct {
	// Reason says why a difference is meant, and of which kind it is; empty if it is not meant.
	Reason func(difference string) (string, Kind)

	mu      sync.Mutex
	steps   int
	unequal int                 // steps with a difference
	newer   int                 // of those, steps with none but of the kinds Newer and Defect
	reasons map[string]int      // steps that differ, by reason
	kinds   map[string]Kind     // of reasons
	sample  map[string]string   // a difference for each reason
	fresh   map[string][]string // differences without a reason, by conversation
}

// Unexplained are the differences of one conversation that have no reason.
func (r *Report) Unexplained(want, got []talk.Step) []string {
	return slices.DeleteFunc(talk.Differences(want, got), func(d string) bool {
		reason, _ := r.Reason(d)
		return reason != ""
	})
}

// Add compares what two servers said in one conversation. It returns the differences that have no reason.
func (r *Report) Add(name string, want, got []talk.Step) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reasons == nil {
		r.reasons, r.kinds, r.sample, r.fresh = map[string]int{}, map[string]Kind{}, map[string]string{}, map[string][]string{}
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
		newer := len(differences) > 0
		for _, d := range differences {
			reason, kind := r.Reason(d)
			newer = newer && reason != "" && kind != Own
			switch {
			case reason == "":
				fresh = append(fresh, d)
			case !slices.Contains(seen, reason):
				seen = append(seen, reason)
				r.reasons[reason]++
				r.kinds[reason], r.sample[reason] = kind, d
			}
		}
		if newer {
			r.newer++
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

// Total is the shares of several reports together.
func Total(reports ...*Report) string {
	var steps, unequal, newer int
	for _, r := range reports {
		r.mu.Lock()
		steps, unequal, newer = steps+r.steps, unequal+r.unequal, newer+r.newer
		r.mu.Unlock()
	}
	return shares(steps, unequal, newer)
}

func shares(steps, unequal, newer int) string {
	percent := func(unequal int) float64 { return 100 * float64(steps-unequal) / float64(max(steps, 1)) }
	return fmt.Sprintf("%d of %d steps equal (%.1f %%), %.1f %% but for what Janus 1.4 does as Cardea and for defects of Janus's\n",
		steps-unequal, steps, percent(unequal), percent(unequal-newer))
}

// Print writes the share of equal steps and the differences.
func (r *Report) Print(w io.Writer, title string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(w, "%s: %s", title, shares(r.steps, r.unequal, r.newer))
	for _, reason := range slices.Sorted(maps.Keys(r.reasons)) {
		_, _ = fmt.Fprintf(w, "  %4d  %s (%v)\n        such as %s\n", r.reasons[reason], reason, r.kinds[reason], cut(r.sample[reason]))
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
