package nodes

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

const (
	// comfortable is how full a node may be before work goes to the next one: the share of its capacity that is taken, or of its
	// CPU. The rest is for what calls that are there grow by, and for what other replicas place at the same moment.
	comfortable = 0.8
	// unordered is the ordinal of a name without one: after all others.
	unordered = 1 << 30
)

// candidate is a node that takes new work.
type candidate struct {
	id      string
	address string
	answers bool // when it was asked last
	ordinal int
	has     plugin.Load // its own word, and what has been placed there since
	peers   int         // likewise
	cpu     float64     // 0 to 1
	most    plugin.Load // 0 for no limit, as the next
	seats   int
}

// wanted is work to be placed.
type wanted struct {
	near  []string // best first
	not   string
	avoid []string // addresses, of which none is taken while there is another
	load  plugin.Load
}

// choose returns the index of the node that is to get w, -1 if none has room for it: one that is near, else the one of the
// lowest ordinal, as long as it is comfortable there; else, of those that have room at all, likewise one that is near, or
// the less full of two that are drawn. draw returns a number from 0 to n-1.
//
// CPU refuses nobody: what a process used in one second says little about the next.
func choose(all []candidate, w wanted, draw func(n int) int) int {
	atEase := those(all, w, func(c *candidate) bool { return c.full(w.load) <= comfortable && c.cpu <= comfortable })
	if near := nearest(all, atEase, w.near); near >= 0 {
		return near
	}
	if len(atEase) > 0 {
		return lessFull(all, lowest(all, atEase), w, draw)
	}
	fit := those(all, w, func(c *candidate) bool { return c.full(w.load) <= 1 })
	if near := nearest(all, fit, w.near); near >= 0 {
		return near
	}
	if len(fit) > 0 {
		return lessFull(all, fit, w, draw)
	}
	return -1
}

// those are the indexes of the candidates that may be chosen, of which fits is true.
func those(all []candidate, w wanted, fits func(c *candidate) bool) []int {
	var some []int
	for i := range all {
		if all[i].id != w.not && fits(&all[i]) {
			some = append(some, i)
		}
	}
	return some
}

// nearest is the first of near that is among some; -1 for none.
func nearest(all []candidate, some []int, near []string) int {
	for _, id := range near {
		if at := slices.IndexFunc(some, func(i int) bool { return all[i].id == id }); at >= 0 {
			return some[at]
		}
	}
	return -1
}

// full is which share of the node is taken with more on it: of packets, bits or peers, whichever is largest. Beyond 1 there is
// no room for it.
func (c *candidate) full(more plugin.Load) float64 {
	share := func(has, most uint64) float64 {
		if most == 0 {
			return 0
		}
		return float64(has) / float64(most)
	}
	next := c.has.Plus(more)
	return max(share(next.Packets, c.most.Packets), share(next.Bits, c.most.Bits), share(uint64(c.peers+1), uint64(c.seats)))
}

// lowest are those of fit with the lowest ordinal among them.
func lowest(all []candidate, fit []int) []int {
	least := slices.MinFunc(fit, func(a, b int) int { return cmp.Compare(all[a].ordinal, all[b].ordinal) })
	return slices.DeleteFunc(fit, func(i int) bool { return all[i].ordinal != all[least].ordinal })
}

// lessFull draws two of fit and returns the less full.
func lessFull(all []candidate, fit []int, w wanted, draw func(n int) int) int {
	first := draw(len(fit))
	if len(fit) == 1 {
		return fit[first]
	}
	second := draw(len(fit) - 1)
	if second >= first {
		second++
	}
	a, b := fit[first], fit[second]
	if cmp.Or(
		cmp.Compare(all[b].full(w.load), all[a].full(w.load)), cmp.Compare(all[b].has.Packets, all[a].has.Packets),
		cmp.Compare(all[b].peers, all[a].peers), cmp.Compare(all[b].cpu, all[a].cpu),
	) < 0 {
		return b
	}
	return a
}

// ordinal is the number that a name ends in, after a dash, as those of a StatefulSet do.
func ordinal(name string) int {
	at := strings.LastIndexByte(name, '-')
	n, err := strconv.ParseUint(name[at+1:], 10, 31)
	if at < 0 || err != nil || n >= unordered {
		return unordered
	}
	return int(n)
}
