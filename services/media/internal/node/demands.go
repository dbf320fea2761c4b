package node

import (
	"context"
	"slices"
	"sync"
)

// maxKeyframes is how many key frames are asked for at once; each layer of each stream asks once a second.
const maxKeyframes = 256

// demands are what waits to be told to the node that has a feed. Only the latest counts, but for key frames, which are asked
// for once.
type demands struct {
	wake chan struct{} // has room for one; full when the reader should look again

	mu      sync.Mutex // guards what follows
	latest  RelayDemand
	changed bool
}

func newDemands() *demands { return &demands{wake: make(chan struct{}, 1)} }

// set makes d the latest.
func (q *demands) set(d RelayDemand) {
	q.mu.Lock()
	d.Keyframes = q.latest.Keyframes
	q.latest, q.changed = d, true
	q.mu.Unlock()
	q.poke()
}

// keyframe asks for one.
func (q *demands) keyframe(k RelayKeyframe) {
	q.mu.Lock()
	if len(q.latest.Keyframes) < maxKeyframes && !slices.Contains(q.latest.Keyframes, k) {
		q.latest.Keyframes = append(q.latest.Keyframes, k)
		q.changed = true
	}
	q.mu.Unlock()
	q.poke()
}

func (q *demands) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next waits for a demand.
func (q *demands) next(ctx context.Context) (RelayDemand, error) {
	for {
		if d, ok := q.take(); ok {
			return d, nil
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return RelayDemand{}, ctx.Err()
		}
	}
}

func (q *demands) take() (RelayDemand, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.changed {
		return RelayDemand{}, false
	}
	d := q.latest
	q.changed, q.latest.Keyframes = false, nil
	return d, true
}
