package nodes

import (
	"context"
	"time"
)

// Watch looks for dead nodes until ctx ends, and tells bury of each, again and again until bury says that nothing
// is left of it.
func (r *Registry) Watch(ctx context.Context, bury func(ctx context.Context, node string) error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		r.Learn(ctx)
		for _, id := range r.dead(ctx) {
			if err := bury(ctx, id); err != nil {
				r.log.Warn("calls of a dead node are not ended yet", "node", id, "err", err)
				continue
			}
			if err := r.directory.ForgetNode(ctx, id); err != nil {
				r.log.Warn("dead node not forgotten yet", "node", id, "err", err)
				continue
			}
			r.forget(id)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Learn adds nodes that other replicas have heard, and tells them of those that only this one has.
func (r *Registry) Learn(ctx context.Context) {
	listed, err := r.directory.Nodes(ctx)
	if err != nil {
		return // the store is away: what is known stays known
	}
	untold := map[string]string{}
	r.mu.Lock()
	r.learned = true
	for id, address := range listed {
		if _, ok := r.nodes[id]; !ok {
			r.nodes[id] = &node{address: address, heard: time.Now()}
		}
	}
	for id, n := range r.nodes {
		if _, ok := listed[id]; !ok && !n.dead && n.status != nil {
			untold[id] = n.address
		}
	}
	r.mu.Unlock()
	for id, address := range untold {
		if err := r.directory.KnowNode(ctx, id, address); err != nil {
			return
		}
	}
}

// dead returns the nodes that neither beat nor answer.
func (r *Registry) dead(ctx context.Context) []string {
	if !r.connected() {
		r.excuse()
		return nil
	}
	var dead, silent []string
	now := time.Now()
	r.mu.Lock()
	for id, n := range r.nodes {
		switch {
		case n.dead:
			dead = append(dead, id)
		case now.Sub(n.heard) >= silence && r.replaced(id, n):
			r.condemn(id, n, "another process has its place")
			dead = append(dead, id)
		case now.Sub(n.heard) >= silence:
			silent = append(silent, id)
		}
	}
	r.mu.Unlock()

	for _, id := range silent {
		if r.healthy(ctx, id) || ctx.Err() != nil || !r.connected() {
			continue
		}
		r.mu.Lock()
		if n := r.nodes[id]; n != nil && !n.dead && now.Sub(n.heard) >= silence {
			r.condemn(id, n, "no beats and no answer")
			dead = append(dead, id)
		}
		r.mu.Unlock()
	}
	return dead
}

// excuse counts no silence while nothing could be heard.
func (r *Registry) excuse() {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		if n.heard.Before(now) {
			n.heard = now
		}
	}
}

// replaced tells whether a newer process beats at a silent node's address: a health check there would ask the wrong
// one. The caller holds mu.
func (r *Registry) replaced(id string, silent *node) bool {
	for other, n := range r.nodes {
		if other != id && !n.dead && n.status != nil && n.address == silent.address && n.heard.After(silent.heard) {
			return true
		}
	}
	return false
}

// condemn is for good. The caller holds mu.
func (r *Registry) condemn(id string, n *node, why string) {
	n.dead = true
	if n.conn != nil {
		_ = n.conn.Close()
		n.conn = nil
	}
	r.log.Warn("node is dead", "node", id, "why", why)
}

func (r *Registry) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.nodes, id)
}
