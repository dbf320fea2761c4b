package node

import (
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/allocation"
	"github.com/cardea-rtc/cardea/services/media/internal/congestion"
	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// allocateEvery is how often it is looked what a subscriber's connection has room for.
const allocateEvery = 50 * time.Millisecond

// bandwidthTick is how often probes send, and silence is looked for.
const bandwidthTick = 10 * time.Millisecond

// bandwidth is what a subscriber's connection takes, and how that is shared among its legs.
type bandwidth struct {
	subscriber *subscriber
	estimator  *congestion.Estimator // nil before the first leg
	allocator  allocation.Allocator
	counted    congestion.Counters
	timer      *transport.Timer // set while the estimate limits anything
	next       time.Duration    // of allocation
	wanted     uint64           // bits a second for everything; 0 if all is given
	open       bool             // a packet was numbered, and is about to be sent

	legs    []*outbound // scratch, from here on
	demands []allocation.Demand
	options []forward.Option
	costs   []uint64
	ends    []int // of each leg's options
}

// BandwidthCounters count, over all subscribers, what estimation has seen and done.
type BandwidthCounters struct {
	Overuses, Losses, Silences uint64 // decreases of an estimate, by reason
	Probes                     uint64
	Downgrades, Pauses         uint64 // of videos
}

// bandwidthCounters are BandwidthCounters while they grow.
type bandwidthCounters struct {
	overuses, losses, silences, probes, downgrades, pauses atomic.Uint64
}

// Bandwidth may be called from anywhere.
func (n *Node) Bandwidth() BandwidthCounters {
	c := &n.bandwidth
	return BandwidthCounters{
		Overuses: c.overuses.Load(), Losses: c.losses.Load(), Silences: c.silences.Load(), Probes: c.probes.Load(),
		Downgrades: c.downgrades.Load(), Pauses: c.pauses.Load(),
	}
}

// begin numbers the next packet that feedback may speak of.
func (b *bandwidth) begin(now time.Duration) uint16 {
	if b.estimator == nil {
		b.estimator = congestion.NewEstimator()
	}
	b.open = true
	return b.estimator.Begin(now)
}

// number is what begin returns next.
func (b *bandwidth) number() uint16 {
	if b.estimator == nil {
		return 0
	}
	return b.estimator.Next()
}

// goOnAt makes seq the number that begin returns next.
func (b *bandwidth) goOnAt(seq uint16) {
	if b.estimator == nil {
		b.estimator = congestion.NewEstimator()
	}
	b.estimator.GoOnAt(seq)
}

// sent says how large the packet was, if it was numbered.
func (b *bandwidth) sent(size int) {
	if b.open {
		b.open = false
		b.estimator.Sent(size)
	}
}

// feedback takes what the endpoint says of packets, if it says it of all video: what audio alone shows is no estimate.
func (b *bandwidth) feedback(a *feedback.Arrivals, now time.Duration) {
	if b.estimator == nil {
		return
	}
	for _, out := range b.subscriber.legs {
		if out.video && out.leg.Unnumbered() {
			return
		}
	}
	b.estimator.Feedback(a, now)
}

// wake has step run each tick from now on, if the estimate limits anything.
func (b *bandwidth) wake(now time.Duration) {
	if b.estimator == nil || b.timer.IsSet() {
		return
	}
	if _, limited := b.estimator.Estimate(); limited {
		b.timer.Set(now)
	}
}

func (b *bandwidth) tick(now time.Duration) {
	b.timer.Set(now + bandwidthTick)
	b.step(now)
}

func (b *bandwidth) remb(bps uint64, now time.Duration) {
	if b.estimator == nil {
		b.estimator = congestion.NewEstimator()
	}
	b.estimator.REMB(bps, now)
}

// step probes, and lets each leg have what there is room for.
func (b *bandwidth) step(now time.Duration) {
	if b.estimator == nil {
		return
	}
	padding := b.estimator.Tick(b.wanted, now)
	bps, limited := b.estimator.Estimate()
	if !limited {
		return
	}
	if now >= b.next {
		b.next = now + allocateEvery
		b.allocate(allocation.Room{Now: b.estimator.Draining(), Steady: bps}, now)
		b.count()
	}
	if padding > 0 {
		b.pad(padding, now)
	}
}

// allocate decides what each leg may relay.
func (b *bandwidth) allocate(room allocation.Room, now time.Duration) {
	b.gather(now)
	d := b.allocator.Decide(b.demands, room, now)
	b.wanted = d.Wanted
	for i, out := range b.legs {
		if x := &b.demands[i]; out.video && len(x.Costs) > 0 {
			a := forward.Allowance{Targets: out.leg.Allowed().Targets, Paused: true}
			if x.Gets != allocation.None {
				a = b.optionsOf(i)[x.Gets].Allowance
			}
			out.leg.Allow(a, d.Leave, now)
		}
	}
	c := &b.subscriber.peer.node.bandwidth
	c.downgrades.Add(uint64(d.Downgrades))
	c.pauses.Add(uint64(d.Pauses))
}

// gather lists the legs, in the order of the m= sections, with what each could get.
func (b *bandwidth) gather(now time.Duration) {
	b.legs, b.options, b.ends = b.legs[:0], b.options[:0], b.ends[:0]
	s := b.subscriber
	for _, sl := range s.slots {
		if sl.leg != nil {
			b.list(s.legs[sl.offered.Sent.SSRC], now)
		}
	}
	b.costs, b.demands = b.costs[:0], b.demands[:0]
	for i := range b.options {
		b.costs = append(b.costs, b.options[i].BPS)
	}
	begin := 0
	for i, out := range b.legs {
		b.demands = append(b.demands, allocation.Demand{
			Audio: !out.video, Costs: b.costs[begin:b.ends[i]], Has: b.has(i),
		})
		begin = b.ends[i]
	}
}

func (b *bandwidth) list(out *outbound, now time.Duration) {
	b.legs = append(b.legs, out)
	b.options = out.leg.AppendOptions(b.options, now)
	b.ends = append(b.ends, len(b.options))
}

func (b *bandwidth) optionsOf(leg int) []forward.Option {
	begin := 0
	if leg > 0 {
		begin = b.ends[leg-1]
	}
	return b.options[begin:b.ends[leg]]
}

// has is the best of a leg's options that it is allowed already.
func (b *bandwidth) has(leg int) int {
	allowed := b.legs[leg].leg.Allowed()
	options := b.optionsOf(leg)
	for i := len(options) - 1; i >= 0; i-- {
		if allowed.Covers(&options[i].Allowance) {
			return i
		}
	}
	if allowed.Paused || !b.legs[leg].video {
		return allocation.None
	}
	return 0
}

// pad sends what a probe takes, on the first leg that can.
func (b *bandwidth) pad(size int, now time.Duration) {
	for _, out := range b.legs {
		if out.video && out.leg.Pad(size, now) > 0 {
			return
		}
	}
}

// count adds what has happened since the last call to what the node tells.
func (b *bandwidth) count() {
	now, before := b.estimator.Counters(), b.counted
	b.counted = now
	c := &b.subscriber.peer.node.bandwidth
	c.overuses.Add(now.Overuses - before.Overuses)
	c.losses.Add(now.Losses - before.Losses)
	c.silences.Add(now.Silences - before.Silences)
	c.probes.Add(now.Probes - before.Probes)
}
