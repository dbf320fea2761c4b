package keeping

import "github.com/cardea-rtc/cardea/services/media/internal/bus"

// choose picks a keeper for the node of that name: the one that it has, as long as that is there and does not leave, else the
// next by name, behind the last the first. shunned is not taken unless nobody else is there. Nodes are in the order of their
// names.
func choose(name, current string, nodes []bus.Other, shunned map[string]bool) (bus.Other, bool) {
	var next []bus.Other
	for _, n := range nodes {
		switch {
		case n.Leaves:
		case n.ID == current && !shunned[n.ID]:
			return n, true
		case n.Name > name:
			next = append(next, n)
		}
	}
	for _, n := range nodes {
		if !n.Leaves && n.Name <= name {
			next = append(next, n)
		}
	}
	for _, n := range next {
		if !shunned[n.ID] {
			return n, true
		}
	}
	return bus.Other{}, false
}
