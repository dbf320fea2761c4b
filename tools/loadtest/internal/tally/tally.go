// Package tally remembers which packets of a stream have come.
package tally

import (
	"math/bits"
	"sync"
)

// Tally is what one receiver has got of one stream, whose packets are counted from 0. The zero value is ready; it is
// safe for concurrent use. It costs a bit for each packet.
type Tally struct {
	mu    sync.Mutex
	some  bool
	base  uint32 // counter of bit 0, a multiple of 64
	first uint32 // the first counter that came, if some
	next  uint32 // one more than the highest counter that came
	came  uint64 // counters, each once
	seen  []uint64
}

// maxJump bounds what a counter may make us remember.
const maxJump = 1 << 24

// Add notes a counter. It reports whether that is news: not a repetition, nor older than the first that came.
func (t *Tally) Add(counter uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.some {
		t.some, t.base, t.first, t.next = true, counter&^63, counter, counter
	}
	if counter < t.first || counter-t.base >= maxJump+uint32(len(t.seen))*64 {
		return false
	}
	word, bit := (counter-t.base)/64, uint64(1)<<(counter%64)
	for uint32(len(t.seen)) <= word {
		t.seen = append(t.seen, 0)
	}
	if t.seen[word]&bit != 0 {
		return false
	}
	t.seen[word] |= bit
	t.came++
	t.next = max(t.next, counter+1)
	return true
}

// First returns the first counter that came.
func (t *Tally) First() (counter uint32, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first, t.some
}

// Gaps returns how many have not come between the first and the latest that came.
func (t *Tally) Gaps() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return uint64(t.next-t.first) - t.came
}

// Between returns how many counters came of those from from to below to.
func (t *Tally) Between(from, to uint32) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var n int
	for i, word := range t.seen {
		low := uint64(t.base) + uint64(i)*64 // counter of the word's bit 0
		if low >= uint64(to) {
			break
		}
		if low+64 <= uint64(from) {
			continue
		}
		if low < uint64(from) {
			word &= ^uint64(0) << (uint64(from) - low)
		}
		if low+64 > uint64(to) {
			word &= 1<<(uint64(to)-low) - 1
		}
		n += bits.OnesCount64(word)
	}
	return uint64(n)
}
