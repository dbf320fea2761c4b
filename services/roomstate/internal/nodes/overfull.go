package nodes

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

const (
	// relieved is how full a node is to be that had more than there is room for, and spare how full at most another has to be to
	// take that: far enough from each other that nothing is sent back and forth.
	relieved = 0.9
	spare    = 0.7
)

// Overfull returns those nodes, if any other has room to spare.
func (r *Registry) Overfull(now time.Time) []plugin.Overfull {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []plugin.Overfull
	anyRoom := false
	for id, n := range r.nodes {
		if !n.fit(now) {
			continue
		}
		c := n.candidate(id, now)
		anyRoom = anyRoom || c.full(plugin.Load{}) <= spare
		c.has, c.peers = loadOf(n.status), int(n.status.GetPeers())
		if share := c.full(plugin.Load{}); share > 1 {
			all = append(all, plugin.Overfull{Node: id, Share: share, Peers: int(math.Ceil((share - relieved) / share * float64(c.peers)))})
		}
	}
	if !anyRoom {
		return nil
	}
	slices.SortFunc(all, func(a, b plugin.Overfull) int { return strings.Compare(a.Node, b.Node) })
	return all
}
