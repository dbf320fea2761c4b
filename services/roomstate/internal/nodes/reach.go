package nodes

import (
	"context"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
)

const (
	// probeEvery is how often a node that answers is asked whether it does, and probeAgain one that does not.
	probeEvery = 5 * time.Second
	probeAgain = time.Second
)

// reach is whether a node that beats answers as well: its certificate may have expired, or a firewall may be in between. While others
// answer, it gets no new work. What it has is left alone.
type reach struct {
	answers bool
	cause   error // that it does not; nil if it does, or has not been asked yet
	asked   bool  // at this moment
	next    time.Time
}

// probe asks those nodes whose turn it is whether they answer.
func (r *Registry) probe(ctx context.Context, wg *sync.WaitGroup) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, n := range r.nodes {
		if n.status == nil || n.dead || n.reach.asked || now.Before(n.reach.next) {
			continue
		}
		n.reach.asked = true
		wg.Go(func() {
			r.asking <- struct{}{}
			_, err := r.health(ctx, id) // whatever it says, it answers
			<-r.asking
			if ctx.Err() == nil {
				r.answered(id, err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			n.reach.asked = false
		})
	}
}

// answered notes what came of a call to a node.
func (r *Registry) answered(id string, err error) {
	silent := fault.Of(err) == fault.NodeUnavailable
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.nodes[id]
	if n == nil || n.dead {
		return
	}
	before := n.reach
	n.reach.answers, n.reach.next = !silent, now.Add(probeEvery)
	if !silent {
		n.reach.cause = nil
		if before.cause != nil {
			r.log.Info("node answers again", "node", id, "name", n.status.GetName())
		}
		return
	}
	n.reach.cause, n.reach.next = err, now.Add(probeAgain)
	if before.cause == nil && !n.status.GetLeaving() {
		r.log.Warn("node does not answer: it gets no new work while another does", "node", id, "name", n.status.GetName(), "address", n.address, "err", err)
	}
}
