package rtpforward

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"sync"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	// maxStreams is how many encrypted streams are remembered after their end. Those beyond it are forgotten, oldest first.
	maxStreams = 1 << 18
	// maxSources is how many SSRCs are encrypted for one destination.
	maxSources = 1024
	// window is how far below the highest index of a stream one may be that has not been used yet; receivers do not look
	// farther back.
	window = 128
	// maxStep is how far apart the numbers of two packets of one source are at most; others begin a new source.
	maxStep = 3000
	// strays is how many packets that follow each other, all of them too late, are the beginning of a new source.
	strays = 8
)

// indexes sees that no SRTP index is used twice with a key and an SSRC (RFC 3711, section 9.1): whoever has two packets of
// one index has both in the clear. A stream that ended goes on where it was.
type indexes struct {
	mu    sync.Mutex
	known map[stream]*numbers
	order []stream // oldest first
	lost  uint64   // streams that were forgotten
	name  string   // random, of this memory
}

// keeper names all that is known, from now until something of it is forgotten.
func (x *indexes) keeper() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.keeping()
}

// keeping is keeper's. x.mu is held.
func (x *indexes) keeping() string {
	if x.name == "" {
		x.name = rand.Text()
	}
	return fmt.Sprintf("%s.%d", x.name, x.lost)
}

// stream is what indexes are counted for.
type stream struct {
	key  [16]byte // of its hash: secrets are not kept
	ssrc uint32
}

func keyOf(c *Crypto) (key [16]byte) {
	sum := sha256.Sum256(c.Key)
	copy(key[:], sum[:])
	return key
}

// claim returns the numbers of a stream, for one destination at a time. BadElement if another has it, or if it is so old
// that who begins to receive it now takes its rollover counter for another. One that resumes what the keeper knows has
// received it already: BadElement if something of that is forgotten, or if another destination had the stream since.
func (x *indexes) claim(s stream, to netip.AddrPort, keeper string) (*numbers, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	resumes := keeper != ""
	if resumes && keeper != x.keeping() {
		return nil, fault.Newf(fault.BadElement, "it is not known here what the SRTP key was used for: another is needed")
	}
	n := x.known[s]
	if n == nil {
		n = &numbers{highest: -1}
		if x.known == nil {
			x.known = map[stream]*numbers{}
		}
		x.known[s] = n
		x.order = append(x.order, s)
		x.forget()
	}
	if !n.begin(to, resumes) {
		return nil, fault.Newf(fault.BadElement, "SRTP key was used with SSRC %d before: another is needed", s.ssrc)
	}
	return n, nil
}

// forget drops the oldest streams that have ended, if there are too many.
func (x *indexes) forget() {
	for tries := len(x.order); len(x.known) > maxStreams && tries > 0; tries-- {
		oldest := x.order[0]
		x.order = x.order[1:]
		if x.known[oldest].used() {
			x.order = append(x.order, oldest)
			continue
		}
		delete(x.known, oldest)
		x.lost++
	}
}

// numbers are the indexes of one stream that have been used. A source's packets keep their distances; one that begins anew
// goes on after the highest.
type numbers struct {
	mu      sync.Mutex
	taken   bool
	to      netip.AddrPort // that has them, or had them last
	highest int64          // index used; -1 for none
	seen    [window / 64]uint64

	source uint64 // highest extended number of the source; 0 before the first
	offset int64  // from the source's numbers to indexes
	late   int    // how many of those that came last were too late, one after another
	next   uint16 // what would follow them
}

// begin takes the numbers for a destination, which has had those before if it resumes.
func (n *numbers) begin(to netip.AddrPort, resumes bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	follows := n.highest < 1<<16-window
	if resumes {
		follows = n.highest < 0 || n.to == to
	}
	if n.taken || !follows {
		return false
	}
	n.taken, n.to, n.source, n.late = true, to, 0, 0
	return true
}

func (n *numbers) used() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.taken
}

// end gives them back. Nothing is numbered any more.
func (n *numbers) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.taken = false
}

// number returns the index that a packet with the source's number seq is to be sent with; not ok if it may not be sent.
func (n *numbers) number(seq uint16) (index int64, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.taken {
		return 0, false
	}
	at := packet.Nearest(n.source, seq)
	switch {
	case n.source == 0:
		at = n.restart(seq)
	case at+maxStep < n.source || at > n.source+maxStep:
		at = n.restart(seq)
	}
	index = int64(at) + n.offset
	if !n.use(index) {
		if n.late > 0 && seq != n.next {
			n.late = 0
		}
		n.late, n.next = n.late+1, seq+1
		if n.late < strays {
			return 0, false
		}
		at = n.restart(seq)
		if index = int64(at) + n.offset; !n.use(index) {
			return 0, false
		}
	}
	n.late = 0
	n.source = max(n.source, at)
	return index, true
}

// restart begins a source with seq: the first of all keeps its numbers, another goes on where the last was.
func (n *numbers) restart(seq uint16) (at uint64) {
	at = packet.FirstCycle + uint64(seq)
	n.source = at
	if n.highest < 0 {
		n.offset = -packet.FirstCycle
	} else {
		n.offset = n.highest + 1 - int64(at)
	}
	return at
}

// use takes an index, if it has not been used, as far as is known.
func (n *numbers) use(index int64) bool {
	bit := func(i int64) (*uint64, uint64) { return &n.seen[i%window/64], 1 << (i % 64) }
	switch {
	case index < 0, index <= n.highest-window:
		return false
	case index > n.highest:
		for i := max(n.highest+1, index-window+1); i <= index; i++ {
			word, mask := bit(i)
			*word &^= mask
		}
		n.highest = index
	}
	word, mask := bit(index)
	if *word&mask != 0 {
		return false
	}
	*word |= mask
	return true
}
