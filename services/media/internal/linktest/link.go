// Package linktest simulates a path between two endpoints, for tests: a queue that a bottleneck empties, then a way of
// some length. It is deterministic, and its time is whatever the test says.
package linktest

import (
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
)

const (
	// Step is how fine simulated time is.
	Step = time.Millisecond
	// Epoch is when a simulation begins, on the node's clock.
	Epoch = 1000 * time.Second
	// offset is what the receiver's clock is ahead by.
	offset = 7777 * time.Second
)

// Over is a quantity that depends on the time since Epoch.
type Over func(at time.Duration) float64

// Constant does not.
func Constant(v float64) Over { return func(time.Duration) float64 { return v } }

// Between is one value for a time, and another before and after.
func Between(from, to time.Duration, inside, outside float64) Over {
	return func(at time.Duration) float64 {
		if at >= from && at < to {
			return inside
		}
		return outside
	}
}

// Link is a path. Its receiver tells when packets arrive, as endpoints do.
type Link struct {
	Capacity Over          // bits a second
	Others   Over          // cross traffic, likewise; nil for none
	Queue    int           // bytes that wait at most
	Way      time.Duration // each way
	Jitter   time.Duration // at most, on top of Way; order is kept
	Loss     float64       // share lost by chance
	Deaf     Over          // share of feedback that is lost; nil for none

	random   *rand.Rand
	now      time.Duration
	queued   []Datagram
	bytes    int
	credit   float64 // bytes that the bottleneck could let through by now
	flying   []Datagram
	reports  []report
	receiver feedback.TWCC
}

// Datagram is a packet on its way.
type Datagram struct {
	Seq  uint16 // transport-wide
	Size int    // bytes, all headers included
	Kind Kind
	Sent time.Duration
	At   time.Duration // when it gets there
}

// Kind is what a datagram is for.
type Kind uint8

// The kinds.
const (
	Video Kind = iota
	Audio
	Padding
	cross
)

type report struct {
	b  []byte
	at time.Duration
}

// Start makes the link ready. Its chance follows from seed.
func (l *Link) Start(seed uint64) {
	l.random = rand.New(rand.NewPCG(seed, 0))
	l.now = Epoch
}

// Random is the link's, for whoever needs chance of the same kind.
func (l *Link) Random() *rand.Rand { return l.random }

// Send puts a datagram in the queue, if it has room.
func (l *Link) Send(d Datagram) {
	if l.bytes+d.Size > l.Queue {
		return
	}
	d.Sent = l.now
	l.bytes += d.Size
	l.queued = append(l.queued, d)
}

// Pass lets the time of one Step go by, and returns what arrives at each end: datagrams, and feedback.
func (l *Link) Pass() (arrived []Datagram, reports [][]byte) {
	l.now += Step
	l.serve()
	for len(l.flying) > 0 && l.flying[0].At <= l.now {
		l.receiver.Record(l.flying[0].Seq, l.now+offset)
		arrived = append(arrived, l.flying[0])
		l.flying = l.flying[1:]
	}
	if l.receiver.Due(l.now + offset) {
		b, err := rtcp.Marshal(l.receiver.Append(nil, 1, 2, l.now+offset))
		if err == nil && (l.Deaf == nil || l.random.Float64() >= l.Deaf(l.now-Epoch)) {
			l.reports = append(l.reports, report{b, l.now + l.Way})
		}
	}
	for len(l.reports) > 0 && l.reports[0].at <= l.now {
		reports = append(reports, l.reports[0].b)
		l.reports = l.reports[1:]
	}
	return arrived, reports
}

// serve empties the queue by what the bottleneck does in one step.
func (l *Link) serve() {
	at := l.now - Epoch
	if l.Others != nil {
		if n := int(l.Others(at) / 8 * Step.Seconds()); n > 0 {
			l.Send(Datagram{Kind: cross, Size: n})
		}
	}
	l.credit += l.Capacity(at) / 8 * Step.Seconds()
	for len(l.queued) > 0 && l.credit >= float64(l.queued[0].Size) {
		d := l.queued[0]
		l.queued = l.queued[1:]
		l.bytes -= d.Size
		l.credit -= float64(d.Size)
		if d.Kind == cross || l.random.Float64() < l.Loss {
			continue
		}
		d.At = l.now + l.Way
		if l.Jitter > 0 {
			d.At += time.Duration(l.random.Int64N(int64(l.Jitter)))
		}
		if n := len(l.flying); n > 0 {
			d.At = max(d.At, l.flying[n-1].At)
		}
		l.flying = append(l.flying, d)
	}
	if len(l.queued) == 0 {
		l.credit = 0
	}
}

// Now is the time of the simulation, on the node's clock.
func (l *Link) Now() time.Duration { return l.now }

// Free is what the bottleneck has beside cross traffic, in bits a second.
func (l *Link) Free() float64 {
	at := l.now - Epoch
	free := l.Capacity(at)
	if l.Others != nil {
		free = max(free-l.Others(at), 0)
	}
	return free
}

// Queued is how long the bottleneck takes for what waits.
func (l *Link) Queued() time.Duration {
	return time.Duration(float64(8*l.bytes) / l.Capacity(l.now-Epoch) * float64(time.Second))
}
