package keep

import (
	"math"
	"slices"
	"sync/atomic"
)

// Unbounded is the bound of what no kept value speaks of.
const Unbounded = math.MaxUint64

// mostHeld is how many values of one peer may be on their way.
const mostHeld = 16

// Index is one series of numbers of which none may be used twice: the SRTP indexes of an SSRC, or its SRTCP indexes, or the numbers of
// the connection's DTLS records, which have no SSRC.
type Index struct {
	SSRC uint32
	RTCP bool
	DTLS bool
}

// Mark is where who goes on from a value begins.
type Mark struct {
	Index
	At uint64
}

// serials are of all values of this process: one of a peer that has been elsewhere meanwhile is later than those before.
var serials atomic.Uint64

// Bounds is how far the owner of a peer may send: not to where anybody would begin who has one of the values that the keeper
// may hold. Those are all that were sent to it and not since replaced, by its own word. The zero value bounds nothing.
type Bounds struct {
	held []value // oldest first
}

type value struct {
	serial uint64
	marks  []Mark
}

// Full is true while no more values may be sent.
func (b *Bounds) Full() bool { return len(b.held) >= mostHeld }

// Kept is true if the keeper may hold a value.
func (b *Bounds) Kept() bool { return len(b.held) > 0 }

// Send is to be called before a value goes to the keeper, and gives it its number. None of the marks may be below what has
// been sent already.
func (b *Bounds) Send(marks []Mark) (serial uint64) {
	serial = serials.Add(1)
	b.held = append(b.held, value{serial, marks})
	return serial
}

// Acknowledged is for a value that the keeper has: it gives nobody an older one.
func (b *Bounds) Acknowledged(serial uint64) {
	b.held = slices.DeleteFunc(b.held, func(v value) bool { return v.serial < serial })
}

// Refused is for a value that the keeper has not taken, and has none older.
func (b *Bounds) Refused(serial uint64) {
	b.held = slices.DeleteFunc(b.held, func(v value) bool { return v.serial <= serial })
}

// Free is for a keeper that will not be asked any more.
func (b *Bounds) Free() { b.held = nil }

// Of returns the first number of a series that must not be used.
func (b *Bounds) Of(i Index) uint64 {
	bound := uint64(Unbounded)
	for _, v := range b.held {
		for _, m := range v.marks {
			if m.Index == i {
				bound = min(bound, m.At)
			}
		}
	}
	return bound
}

// Indexes returns all series that are bounded.
func (b *Bounds) Indexes() []Index {
	var all []Index
	for _, v := range b.held {
		for _, m := range v.marks {
			if !slices.Contains(all, m.Index) {
				all = append(all, m.Index)
			}
		}
	}
	return all
}
