package nodes

import (
	"cmp"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// Known is a node as this replica knows it.
type Known struct {
	ID     string
	Status *busv1.NodeStatus // nil if it has not been heard by this replica; not changed any more
	Heard  time.Time
	Takes  bool  // it may be given new work
	Silent error // why it does not answer this replica; nil if it does, or has not been asked
}

// List returns the nodes that live, by the order of their names.
func (r *Registry) List() []Known {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Known
	for id, n := range r.nodes {
		if !n.dead {
			all = append(all, Known{ID: id, Status: n.status, Heard: n.heard, Takes: n.fit(now) && n.reach.cause == nil, Silent: n.reach.cause})
		}
	}
	slices.SortFunc(all, func(a, b Known) int {
		a1, b1 := a.Status.GetName(), b.Status.GetName()
		return cmp.Or(cmp.Compare(ordinal(a1), ordinal(b1)), cmp.Compare(a1, b1), cmp.Compare(a.ID, b.ID))
	})
	return all
}
