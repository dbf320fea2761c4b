package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// counts is what happened.
type counts struct {
	order uint64 // of events of the schedule, and of commands

	Sessions, Commands, Repeated, Stale, ShardsMoved      int
	Events, EventsLost, Doubled, Resumed                  int
	Claims, GivenAgain, EdgesKilled, Vanished             int
	Away                                                  int // times that Redis took too long, in real time
	NodesKilled, NodesDrained, Moved, NotDrained, Refused int
	HangupsOfPublishers, HangupsOfSubscribers, Checked    int
}

type row struct {
	what string
	n    int
}

func (c counts) rows() []row {
	return []row{
		{"sessions in all", c.Sessions}, {"of them not heard of any more", c.Vanished}, {"commands", c.Commands},
		{"of them repeated, since an answer was lost", c.Repeated}, {"decisions made again, since a room had changed", c.Stale},
		{"shards given to another replica", c.ShardsMoved}, {"events", c.Events}, {"of them lost on the bus", c.EventsLost},
		{"doubled on the bus", c.Doubled}, {"asked for again", c.Resumed}, {"edges killed", c.EdgesKilled}, {"sessions claimed", c.Claims},
		{"events given again with that", c.GivenAgain}, {"nodes killed", c.NodesKilled}, {"nodes drained", c.NodesDrained},
		{"peers moved", c.Moved}, {"peers not moved by a drain", c.NotDrained}, {"hangups of publishers", c.HangupsOfPublishers},
		{"hangups of subscribers", c.HangupsOfSubscribers}, {"requests refused for now", c.Refused}, {"clients looked at", c.Checked},
	}
}

func (c counts) String() string {
	var all []string
	for _, r := range c.rows() {
		all = append(all, fmt.Sprintf("%s %d", r.what, r.n))
	}
	return join(all)
}

// mostWrong bounds how many mistakes are told of one kind.
const mostWrong = 10

// check looks at a world at rest: everyone knows of each publisher, and of nobody else; each is shown all others; and nodes have
// what that takes, and nothing else.
func (w *world) check(when string) {
	w.t.Helper()
	wrong := map[string]int{}
	fail := func(kind, format string, args ...any) {
		if wrong[kind]++; wrong[kind] <= mostWrong {
			w.t.Errorf("%s: %s: %s", when, kind, fmt.Sprintf(format, args...))
		}
	}
	on := w.where(fail)
	for _, c := range w.clients {
		w.counts.Checked++
		there := map[int]bool{}
		for _, other := range w.rooms[c.room] {
			if other != c && other.up {
				there[other.index] = true
			}
		}
		if !maps.Equal(c.view, there) {
			fail("a client knows of others than there are", "client %d of %v, there are %v", c.index, sorted(c.view), sorted(there))
			continue
		}
		if c.publishes != c.up {
			fail("a client does not publish", "client %d", c.index)
		}
		handles := c.handles()
		if c.up != (on[handles[0]] != nil) {
			fail("a publisher is on no node", "client %d", c.index)
		}
		delete(on, handles[0])
		s := on[handles[1]]
		delete(on, handles[1])
		if !maps.Equal(c.shown, there) {
			fail("a subscription is not of all feeds", "client %d has %v, there are %v", c.index, sorted(c.shown), sorted(there))
			continue
		}
		if c.watching != (s != nil) {
			fail("a subscription is on no node", "client %d: %t", c.index, c.watching)
			continue
		}
		if s != nil {
			w.sources(c, s, there, fail)
		}
	}
	for h := range on {
		fail("an orphan is on a node", "%s", w.who(peerID{h, 0}))
	}
}

// who is a peer's client.
func (w *world) who(id peerID) string {
	if c := w.sessions[id.handle.Session]; c != nil {
		return fmt.Sprintf("%v/%d of client %d, gone %t", id.handle, id.generation, c.index, c.gone)
	}
	return fmt.Sprintf("%v/%d", id.handle, id.generation)
}

// placed is a peer and its node.
type placed struct {
	*peer
	node *node
}

// where finds the one node of each handle's peer.
func (w *world) where(fail func(kind, format string, args ...any)) map[plugin.HandleID]*placed {
	on := map[plugin.HandleID]*placed{}
	for _, n := range w.living() {
		for _, id := range n.ids() {
			if w.gone(id) && !n.peers[id].up {
				continue // it was offered to a subscriber whose node had died and who is not heard of any more, until the session ends
			}
			if other := on[id.handle]; other != nil {
				fail("a handle has two peers", "%v is on %s and %s", id.handle, other.node.id, n.id)
			}
			if !n.peers[id].up {
				fail("a peer never came up", "%s on %s", w.who(id), n.id)
			}
			on[id.handle] = &placed{n.peers[id], n}
		}
	}
	return on
}

// sources looks whether the node shows what there is, from where it is.
func (w *world) sources(c *client, s *placed, there map[int]bool, fail func(kind, format string, args ...any)) {
	shown := map[int]bool{}
	for _, slot := range s.slots {
		feed := slot.GetSource().GetFeed()
		if feed == "" {
			continue
		}
		_, rest, _ := strings.Cut(feed, "#")
		handle, generation, _ := strings.Cut(rest, "#")
		h, err := plugin.ParseHandleID(handle)
		if err != nil {
			w.t.Fatalf("source %q: %v", feed, err)
		}
		from := slot.GetSource().GetNode()
		if from == "" {
			from = s.node.id
		}
		n := w.nodes[from]
		var g uint32
		_, _ = fmt.Sscan(generation, &g)
		if n == nil || n.dead || n.peers[peerID{h, g}] == nil {
			fail("a slot's source is not where it is said to be", "client %d: %s, on %s", c.index, feed, from)
			continue
		}
		if owner := w.sessions[h.Session]; owner != nil {
			shown[owner.index] = true
		}
	}
	if !maps.Equal(shown, there) {
		fail("a node shows other feeds than there are", "client %d: %v, there are %v", c.index, sorted(shown), sorted(there))
	}
}

// bounded is what placement and relief promise: few nodes have more than there is room for, and none much more.
func (w *world) bounded(over int, most, fill float64, all int) {
	// A call that is there grows by whoever publishes next in its room.
	if most > 1.25 {
		w.t.Errorf("a node is %.0f %% full, while all together are %.0f %%", 100*most, 100*fill)
	}
	if over > all/20+1 {
		w.t.Errorf("%d of %d nodes have more than there is room for", over, all)
	}
}

// leftovers are what is still in Redis, by kind.
func (w *world) leftovers() []string {
	kinds := map[string]int{}
	found := w.rdb.Scan(w.ctx, 0, "*", 1000).Iterator()
	for found.Next(w.ctx) {
		parts := strings.SplitN(found.Val(), ":", 3)
		if len(parts) < 2 {
			parts = append(parts, found.Val())
		}
		kinds[parts[1]]++
	}
	if err := found.Err(); err != nil {
		w.t.Error(err)
	}
	for _, kind := range []string{"session", "handles", "tasks", "deadlines", "places"} {
		if kinds[kind] > 0 {
			w.t.Errorf("%d keys of kind %s are left", kinds[kind], kind)
		}
	}
	if kinds["room"] != w.cfg.rooms {
		w.t.Errorf("%d rooms are left of %d", kinds["room"], w.cfg.rooms)
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	return all
}

func sorted(set map[int]bool) []int { return slices.Sorted(maps.Keys(set)) }

func join(all []string) string { return strings.Join(all, ", ") }
