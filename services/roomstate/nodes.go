package roomstate

import (
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/admin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/drain"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/nodes"
)

// listed is the registry as administrators see it.
type listed struct{ *nodes.Registry }

// List returns the nodes that live.
func (l listed) List() []admin.Node {
	var all []admin.Node
	for _, n := range l.Registry.List() {
		all = append(all, admin.Node(n))
	}
	return all
}

// Overfull is of drain.Relief.
func (l listed) Overfull(now time.Time) []drain.Overfull {
	var all []drain.Overfull
	for _, n := range l.Registry.Overfull(now) {
		all = append(all, drain.Overfull{Node: n.ID, Share: n.Share, Peers: n.Peers})
	}
	return all
}
