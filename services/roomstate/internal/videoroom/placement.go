package videoroom

import (
	"cmp"
	"maps"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// mostNear bounds how many nodes are preferred for one peer.
const mostNear = 8

// place asks for a node for the handle's next peer: one that the room uses, as long as such a one has room. It is not known yet
// if ok is false.
func (d *draft) place(near []string, load plugin.Load) (node string, ok bool, err error) {
	answer, ok := d.Ask(plugin.Question{Place: true, Near: near, Not: d.avoided, Load: load})
	if !ok || answer.Err != nil {
		return "", ok, answer.Err
	}
	if last := d.attributes.Node; last == "" || last != answer.Node && !d.Alive(last) {
		d.settings().Node = answer.Node
	}
	return answer.Node, true, nil
}

// inUse are the nodes that the room uses: its own, then those with the most of its peers.
func (d *draft) inUse() []string {
	peers := map[string]int{}
	for _, p := range d.publishers {
		if p.Peer != nil {
			peers[p.Peer.Node]++
		}
	}
	for _, s := range d.subscribers {
		if s.Peer != nil {
			peers[s.Peer.Node]++
		}
	}
	return nearest([]string{d.attributes.Node}, mostFirst(peers))
}

// sources are the nodes that a subscriber's feeds come from, those with the most first, then what else the room uses.
func (d *draft) sources(s *subscriber) []string {
	feeds := map[string]int{}
	for i := range s.Slots {
		if from := s.Slots[i].Source; from != nil {
			if p := d.publishers[from.Handle]; p != nil && p.Peer != nil {
				feeds[p.Peer.Node]++
			}
		}
	}
	return nearest(mostFirst(feeds), d.inUse())
}

// mostFirst sorts nodes by a count.
func mostFirst(of map[string]int) []string {
	return slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
}

// nearest joins lists of nodes, each node once.
func nearest(lists ...[]string) []string {
	var all []string
	for _, node := range slices.Concat(lists...) {
		if node != "" && !slices.Contains(all, node) && len(all) < mostNear {
			all = append(all, node)
		}
	}
	return all
}

// load is what a subscriber's streams will take, by estimate.
func (s *subscriber) load() plugin.Load {
	var sum plugin.Load
	for i := range s.Slots {
		if s.Slots[i].Source != nil {
			sum = sum.Plus(typicalLoad(s.Slots[i].Type))
		}
	}
	return sum
}

func (p *publisher) load() plugin.Load {
	var sum plugin.Load
	for i := range p.Streams {
		if !p.Streams[i].Disabled {
			sum = sum.Plus(typicalLoad(p.Streams[i].Type))
		}
	}
	return sum
}

func typicalLoad(kind string) plugin.Load {
	switch kind {
	case audio:
		return plugin.AudioLoad
	case video:
		return plugin.VideoLoad
	}
	return plugin.Load{}
}

// myLoad is of the peer that the command's handle has.
func (d *draft) myLoad() plugin.Load {
	if p := d.publishers[d.me()]; p != nil {
		return p.load()
	}
	if s := d.subscribers[d.me()]; s != nil {
		return s.load()
	}
	return plugin.Load{}
}
