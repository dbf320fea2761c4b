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
	count   Tally
	reasons map[string]int      // steps that differ, by reason
	kinds   map[string]Kind     // of reasons
	sample  map[string]string   // a difference for each reason
	fresh   map[string][]string // differences without a reason, by conversation
}

// Tally counts steps.
type Tally struct {
	compared int // those that this version of Janus can be asked
	unequal  int // of those, with a difference
	defects  int // of those, with none but of the kinds Newer and Defect
	beyond   int // not compared: all that differs is of kind Newer
}

func (t *Tally) add(differences int, kinds map[Kind]bool) {
	onlyNewer := len(kinds) == 1 && kinds[Newer]
	if differences > 0 && onlyNewer {
		t.beyond++
		return
	}
	t.compared++
	if differences > 0 {
		t.unequal++
		if !kinds[Own] {
			t.defects++
		}
	}
}

// Share is how many of 100 compared steps are equal.
func (t Tally) Share() float64 { return percent(t.compared-t.unequal, t.compared) }

func percent(of, all int) float64 { return 100 * float64(of) / float64(max(all, 1)) }

func (t Tally) String() string {
	s := fmt.Sprintf("%d of %d compared steps equal (%.1f %%), %.1f %% but for defects of Janus's",
		t.compared-t.unequal, t.compared, t.Share(), percent(t.compared-t.unequal+t.defects, t.compared))
	if t.beyond > 0 {
		s += fmt.Sprintf("; %d more are not compared: this Janus is older than what they ask for", t.beyond)
	}
	return s
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
		var seen []string
		kinds := map[Kind]bool{}
		for _, d := range differences {
			reason, kind := r.Reason(d)
			kinds[kind] = true
			switch {
			case reason == "":
				kinds[Own] = true
				fresh = append(fresh, d)
			case !slices.Contains(seen, reason):
				seen = append(seen, reason)
				r.reasons[reason]++
				r.kinds[reason], r.sample[reason] = kind, d
			}
		}
		r.count.add(len(differences), kinds)
	}
	if len(fresh) > 0 {
		r.fresh[name] = fresh
	}
	return fresh
}

// Total is several reports together.
func Total(reports ...*Report) Tally {
	var all Tally
	for _, r := range reports {
		r.mu.Lock()
		all.compared += r.count.compared
		all.unequal += r.count.unequal
		all.defects += r.count.defects
		all.beyond += r.count.beyond
		r.mu.Unlock()
	}
	return all
}

// Print writes the share of equal steps and the differences.
func (r *Report) Print(w io.Writer, title string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(w, "%s: %v\n", title, r.count)
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
