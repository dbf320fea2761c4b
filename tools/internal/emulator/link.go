// Package emulator makes a link worse than this machine's: it loses packets, delays them, and lets no more through than a
// rate, with a bounded queue before it. What it does follows from a seed and from when packets come.
package emulator

import (
	"math/rand/v2"
	"time"
)

// Conditions are what a link does to packets in one direction. The zero value does nothing to them.
type Conditions struct {
	Loss     float64       // share of packets that are lost by chance, 0 to 1
	Delay    time.Duration // of each packet
	RateBps  int           // bits a second, of whole IP packets; 0 for no limit
	QueueMax int           // bytes that wait for the rate at most; what comes on top is dropped
}

// Counters count packets of one direction.
type Counters struct {
	Passed  uint64 `json:"passed"`
	Lost    uint64 `json:"lost"`    // by chance
	Dropped uint64 `json:"dropped"` // no room in the queue, or in the emulator
}

// maxDelayed bounds the packets that are on their way in one direction.
const maxDelayed = 1 << 14

// Link is one direction. It knows no clock: times are given to it, and never go back. Not safe for concurrent use.
type Link struct {
	Counters
	now    Conditions
	chance *rand.Rand
	queue  []packet // wait for the rate; bytes is their size
	bytes  int
	free   time.Duration // when the last packet that left the queue was through
	onWay  []packet
}

// packet is one that will come out at due.
type packet struct {
	b   []byte
	due time.Duration // in queue: when it came
}

// NewLink is deterministic by its seed.
func NewLink(seed uint64) *Link { return &Link{chance: rand.New(rand.NewPCG(seed, 0))} }

// Set changes the conditions for packets that have not left the queue.
func (l *Link) Set(c Conditions) { l.now = c }

// Enter takes a packet, which it keeps.
func (l *Link) Enter(b []byte, now time.Duration) {
	l.serve(now)
	switch {
	case l.chance.Float64() < l.now.Loss: // asked of each packet, so that the next one's chance does not depend on conditions
		l.Lost++
	case len(l.onWay)+len(l.queue) >= maxDelayed || l.now.RateBps > 0 && l.bytes+len(b) > l.now.QueueMax:
		l.Dropped++
	default:
		l.queue = append(l.queue, packet{b, now})
		l.bytes += len(b)
		l.serve(now)
	}
}

// serve moves what is through by now from the queue on its way.
func (l *Link) serve(now time.Duration) {
	for len(l.queue) > 0 {
		head := l.queue[0]
		begin := max(l.free, head.due)
		end := begin
		if l.now.RateBps > 0 {
			end += time.Duration(len(head.b)) * 8 * time.Second / time.Duration(l.now.RateBps)
		}
		if end > now {
			return
		}
		l.queue, l.free = l.queue[1:], end
		l.bytes -= len(head.b)
		due := end + l.now.Delay
		if n := len(l.onWay); n > 0 {
			due = max(due, l.onWay[n-1].due) // a link does not reorder, also when its delay shrinks
		}
		l.onWay = append(l.onWay, packet{head.b, due})
	}
}

// Leave gives out all packets that are through by now, in order.
func (l *Link) Leave(now time.Duration, out func(b []byte)) {
	l.serve(now)
	for len(l.onWay) > 0 && l.onWay[0].due <= now {
		out(l.onWay[0].b)
		l.onWay = l.onWay[1:]
		l.Passed++
	}
}

// Next returns when Leave has something to do again, if packets are inside.
func (l *Link) Next() (at time.Duration, ok bool) {
	if len(l.onWay) > 0 {
		return l.onWay[0].due, true
	}
	if len(l.queue) == 0 {
		return 0, false
	}
	head := l.queue[0]
	at = max(l.free, head.due)
	if l.now.RateBps > 0 {
		at += time.Duration(len(head.b)) * 8 * time.Second / time.Duration(l.now.RateBps)
	}
	return at, true
}
