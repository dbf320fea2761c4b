package nodes

import (
	"context"
	"errors"
	"maps"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// learnEvery is how often the directory is read, and lookEvery how often dead nodes are looked for.
	learnEvery = time.Second
	lookEvery  = 100 * time.Millisecond
	// mostAsked bounds the silent nodes that are asked at the same time whether they live.
	mostAsked = 64
)

// Watch looks for dead nodes until ctx ends, and tells bury of each, again and again until bury says that nothing
// is left of it.
func (r *Registry) Watch(ctx context.Context, bury func(ctx context.Context, node string) (done bool, err error)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	learnt := time.Time{}
	for {
		if time.Since(learnt) >= learnEvery {
			r.Learn(ctx)
			learnt = time.Now()
		}
		r.probe(ctx, &wg)
		wg.Go(func() {
			r.lookFor(ctx, func(id string) {
				if r.begin(id) {
					wg.Go(func() { r.bury(ctx, id, bury) })
				}
			})
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// begin is false if bury is at the node already.
func (r *Registry) begin(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.nodes[id]
	if n == nil || n.buried {
		return false
	}
	n.buried = true
	return true
}

func (r *Registry) bury(ctx context.Context, id string, bury func(ctx context.Context, node string) (done bool, err error)) {
	done, err := bury(ctx, id)
	if done && err == nil {
		if err = r.directory.ForgetNode(ctx, id); err == nil {
			r.forget(id)
			return
		}
	}
	wait := lookEvery
	if err != nil {
		r.log.Warn("calls of a dead node are not ended yet", "node", id, "err", err)
		wait = time.Second
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.nodes[id]; n != nil {
		n.buried = false
	}
}

// Keeper returns what a node has said itself of who keeps the values of its peers, false if it was not heard here.
func (r *Registry) Keeper(id string) (keeper string, change uint64, heard bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.nodes[id]
	if n == nil || n.status == nil {
		return "", 0, false
	}
	return n.status.GetKeeper(), n.status.GetKeeperChange(), true
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

// lookFor tells condemned of each node that neither beats nor answers, as soon as that is known, and of those that were dead before.
// Nodes are asked at the same time, each by one call at a time. It returns when all have been asked.
func (r *Registry) lookFor(ctx context.Context, condemned func(id string)) {
	if !r.bus.IsConnected() {
		r.excuse()
		return
	}
	var dead []string
	ask := map[string]func(context.Context) (why string){} // of silent nodes; without one they are not dead
	now := time.Now()
	r.mu.Lock()
	for id, n := range r.nodes {
		switch {
		case n.dead:
			dead = append(dead, id)
		case now.Sub(n.heard) >= brief && r.replaced(id, n):
			r.condemn(id, n, "another process has its place")
			dead = append(dead, id)
		case n.asked:
		case now.Sub(n.heard) >= silence:
			n.asked = true
			ask[id] = func(ctx context.Context) string {
				if r.healthy(ctx, id) || !r.passes(ctx) {
					return ""
				}
				return "no beats and no answer"
			}
		case now.Sub(n.heard) >= brief && n.status != nil:
			n.asked = true
			address := n.address
			ask[id] = func(ctx context.Context) string {
				if !refused(ctx, address) {
					return ""
				}
				return "no beat, and nothing listens at its address"
			}
		}
	}
	r.mu.Unlock()
	for _, id := range dead {
		condemned(id)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for id, question := range ask {
		wg.Go(func() {
			r.asking <- struct{}{}
			why := question(ctx)
			<-r.asking
			if r.judge(ctx, id, now, why) {
				condemned(id)
			}
		})
	}
}

// judge condemns a node that was silent when it was asked and still is, if the answer says why.
func (r *Registry) judge(ctx context.Context, id string, at time.Time, why string) bool {
	heard := why != "" && r.reached(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.nodes[id]
	if n == nil {
		return false
	}
	n.asked = false
	if why == "" || ctx.Err() != nil || !heard || n.dead || at.Sub(n.heard) < brief {
		return false
	}
	r.condemn(id, n, why)
	return true
}

// answerTime is how long the bus may take to answer.
const answerTime = 500 * time.Millisecond

// reached tells whether the bus is there.
func (r *Registry) reached(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return r.bus.IsConnected() && r.bus.FlushWithContext(ctx) == nil
}

// passes tells whether the bus is there for as long as it takes for a beat to come. One that has stood still until now has none to
// pass on, of nodes that live.
func (r *Registry) passes(ctx context.Context) bool {
	if !r.reached(ctx) {
		return false
	}
	select {
	case <-time.After(brief):
	case <-ctx.Done():
		return false
	}
	return r.reached(ctx)
}

// refuseTime is how long an address may take to refuse a connection.
const refuseTime = 200 * time.Millisecond

// refused tells whether nothing listens at an address, of a machine that says so.
func refused(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, refuseTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
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
	r.deaths++
	if n.conn != nil {
		_ = n.conn.Close()
		n.conn = nil
	}
	r.log.Warn("node is dead", "node", id, "why", why)
}

// Deaths is how many nodes have been found dead.
func (r *Registry) Deaths() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.deaths
}

func (r *Registry) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(r.gone, func(_ string, f former) bool { return now.After(f.until) })
	if n := r.nodes[id]; n != nil {
		r.gone[id] = former{n.address, now.Add(rememberedFor)}
	}
	delete(r.nodes, id)
}
