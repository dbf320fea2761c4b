package node

import (
	"sync/atomic"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
)

// legCounters are of all legs, and of publishers' streams, that there have been, a second old at most.
type legCounters struct {
	retransmitted atomic.Uint64
	lost          atomic.Uint64
	lacked        atomic.Uint64 // of publishers' streams
	overruns      atomic.Uint64
	dropped       [forward.Drops]atomic.Uint64
}

// Retransmitted is how many packets were sent again to subscribers.
func (n *Node) Retransmitted() uint64 { return n.legs.retransmitted.Load() }

// Lost is how many packets publishers' streams lacked when they were due, and how many subscribers said to lack. Either may have
// come later.
func (n *Node) Lost() (in, out uint64) { return n.legs.lacked.Load(), n.legs.lost.Load() }

// Overruns is how many bursts for one stream of one subscriber were dropped, in part at least, on their way out.
func (n *Node) Overruns() uint64 { return n.legs.overruns.Load() }

// LeftOut is how many packets did not go out to a subscriber, for that reason.
func (n *Node) LeftOut(why forward.Drop) uint64 { return n.legs.dropped[why].Load() }

// countLosses looks once a second at what was lost and what was sent again.
func (p *peer) countLosses() {
	for _, out := range p.subscribing.legs {
		p.node.tally(out)
		out.bytes.count(out.counted.Bytes)
		lost := out.counted.Lost
		p.slowLink(SlowLink{MID: out.mid, Video: out.video, Uplink: true, Lost: uint32(lost - out.lost)})
		out.lost = lost
	}
	for _, in := range p.publishing.streams {
		if in == nil {
			continue
		}
		var lost uint64
		for layer := range in.layers {
			stats := in.stream.Stats(layer)
			lost += stats.Lost
			in.bytes[layer].count(stats.Bytes)
		}
		p.slowLink(SlowLink{MID: in.agreed.MID, Video: in.video(), Lost: uint32(lost - in.lost), BitrateBPS: p.publishing.bitrate})
		p.node.legs.lacked.Add(lost - min(in.lost, lost))
		in.lost = lost
	}
}

// perSecond is how much a counter grew in the last second that has been looked at.
type perSecond struct{ total, grown uint64 }

func (s *perSecond) count(total uint64) { s.total, s.grown = total, total-min(s.total, total) }

func (p *peer) slowLink(e SlowLink) {
	if threshold := p.node.slowLink.Load(); threshold != 0 && e.Lost >= threshold {
		p.node.cfg.Events.Publish(p.id, e)
	}
}

// tally adds what a leg has counted since the last time to the node's counters.
func (n *Node) tally(out *outbound) {
	now := out.leg.Stats()
	n.legs.retransmitted.Add(now.Retransmitted - out.counted.Retransmitted)
	n.legs.lost.Add(now.Lost - min(out.counted.Lost, now.Lost))
	n.legs.overruns.Add(now.Overruns - out.counted.Overruns)
	for why, total := range now.Dropped {
		if more := total - out.counted.Dropped[why]; more > 0 {
			n.legs.dropped[why].Add(more)
		}
	}
	out.counted = now
}
