package nodes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

const (
	// freshness is how old a beat may be for its node to be given new work.
	freshness = 2500 * time.Millisecond
	// placeWait is how long new work waits for a node: somewhat more than the time between two beats.
	placeWait = 1500 * time.Millisecond
	// reservedFor is how long it takes until a node's own beat shows what has been placed there.
	reservedFor = 3 * time.Second
)

// reservation is what has been placed on a node.
type reservation struct {
	at   time.Time
	load plugin.Load
}

// Place picks a node for new work and reserves it there. If none is known that takes any, it waits a little, as when this
// replica has just started and nodes are yet to be heard. NodeUnavailable, with words, if none has room.
func (r *Registry) Place(ctx context.Context, q plugin.Question) (string, error) {
	w := wanted{near: q.Near, not: q.Not, avoid: r.addresses(q.Avoid), load: q.Load}
	deadline := time.Now().Add(placeWait)
	for {
		id, candidates := r.place(w, time.Now())
		switch {
		case id != "":
			return id, nil
		case candidates > 0:
			return "", fault.Newf(fault.NodeUnavailable, "All media nodes are full")
		case time.Now().After(deadline):
			return "", fault.Newf(fault.NodeUnavailable, "No media node takes new calls at the moment")
		}
		select {
		case <-time.After(placeWait / 20):
		case <-ctx.Done():
			return "", fault.New(fault.NodeUnavailable, fmt.Errorf("waiting for a node: %w", ctx.Err()))
		}
	}
}

// place returns a node, or how many take new work but have no room for this.
func (r *Registry) place(w wanted, now time.Time) (id string, candidates int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []candidate
	for id, n := range r.nodes {
		if n.fit(now) && id != w.not {
			all = append(all, n.candidate(id, now))
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return strings.Compare(a.id, b.id) })
	if answering := slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return !c.answers }); len(answering) > 0 {
		all = answering
	}
	elsewhere := slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return slices.Contains(w.avoid, c.address) })
	at := choose(elsewhere, w, r.Draw)
	if at >= 0 {
		all = elsewhere
	} else {
		at = choose(all, w, r.Draw)
	}
	if at < 0 {
		return "", len(all)
	}
	n := r.nodes[all[at].id]
	n.placed = append(n.placed, reservation{now, w.load})
	return all[at].id, len(all)
}

func (n *node) fit(now time.Time) bool {
	return n.status != nil && !n.dead && !n.status.GetDraining() && !n.status.GetLeaving() && now.Sub(n.heard) < freshness
}

// candidate is the node with what has been placed too recently for a beat to show it.
func (n *node) candidate(id string, now time.Time) candidate {
	kept := n.placed[:0]
	for _, p := range n.placed {
		if now.Sub(p.at) < reservedFor {
			kept = append(kept, p)
		}
	}
	n.placed = kept
	c := candidate{
		id: id, address: n.address, answers: n.reach.answers, ordinal: ordinal(n.status.GetName()), has: loadOf(n.status), peers: int(n.status.GetPeers()) + len(kept),
		cpu:  float64(n.status.GetCpu()),
		most: plugin.Load{Packets: n.status.GetCapacityPackets(), Bits: n.status.GetCapacityBits()}, seats: int(n.status.GetMaxPeers()),
	}
	for _, p := range kept {
		c.has = c.has.Plus(p.load)
	}
	return c
}

func loadOf(s *busv1.NodeStatus) plugin.Load {
	return plugin.Load{Packets: s.GetPacketsPerSecond(), Bits: s.GetBitsPerSecond()}
}
