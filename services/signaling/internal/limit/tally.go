package limit

import "sync"

// Tally counts something of each key, for as long as it is remembered: of the keys that were counted least lately, some are
// forgotten when there are many.
type Tally[K comparable] struct {
	most int // keys of one generation

	mu         sync.Mutex
	young, old map[K]int
}

// mostTallied is how many keys are remembered at least, and half of how many at most.
const mostTallied = 1 << 15

// NewTally makes one of nothing.
func NewTally[K comparable]() *Tally[K] {
	return &Tally[K]{most: mostTallied, young: map[K]int{}}
}

// Of is how many were counted.
func (t *Tally[K]) Of(key K) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.young[key] + t.old[key]
}

// Add counts n more.
func (t *Tally[K]) Add(key K, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n += t.young[key] + t.old[key]
	delete(t.old, key)
	if _, known := t.young[key]; !known && len(t.young) >= t.most {
		t.old, t.young = t.young, map[K]int{}
	}
	t.young[key] = n
}

// Forget begins anew.
func (t *Tally[K]) Forget(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.young, key)
	delete(t.old, key)
}
