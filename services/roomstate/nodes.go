package roomstate

import (
	"github.com/cardea-rtc/cardea/services/roomstate/internal/admin"
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
