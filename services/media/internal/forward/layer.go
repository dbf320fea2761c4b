package forward

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// maxDrift is how far from the time since the last packet a timestamp may be. Farther, another source sends under the same SSRC: SSRCs
// between servers are numbers of m= sections, which stay when a publisher publishes again.
const maxDrift = 10 * time.Second

// layer is one simulcast layer of a stream as it arrives, or all of a stream that has no layers.
type layer struct {
	ring      ring
	highest   uint64 // extended sequence number; 0 before the first packet
	first     uint64 // packet of the source that sends now; tells sources apart
	loss      lossTracker
	reception reception
	keyframes keyframes
	keyframe  uint64 // where the newest one begins, 0 for none yet
	stats     LayerStats
	rates     rates

	stray     bool // the last packet that came too late would have been followed by strayNext
	strayNext uint16

	dependencies *codec.Dependencies // of AV1; made with the first descriptor

	burst         []uint64 // what the current burst brought, ascending
	burstKeyframe bool     // a key frame starts in it

	srNTP   uint64 // of the publisher's last SR: its time
	srTS    uint32 // and what the RTP timestamp was then
	srKnown bool
}

// accept gives a packet that arrived by itself its extended number, and is false if it is of no use. rate is of its timestamps, in Hz.
func (y *layer) accept(p *packet.Packet, rate uint32) (seq uint64, ok bool) {
	if y.highest == 0 {
		seq = packet.FirstCycle + uint64(p.Seq)
		y.begin(p.SSRC, seq)
		return seq, true
	}
	seq = packet.Nearest(y.highest, p.Seq)
	if p.SSRC != y.stats.SSRC || y.farTooLate(seq) && y.restarts(p.Seq) || y.drifts(p, seq, rate) {
		seq = (y.highest>>16+2)<<16 + uint64(p.Seq) // far from all before
		y.begin(p.SSRC, seq)
		y.keyframes.request() // legs wait for one; often this packet is its start
		return seq, true
	}
	return seq, y.useful(seq)
}

// acceptRepeat does the same for a packet that was sent again on another SSRC. Only what is missing is of use, and
// nothing else can be concluded from it.
func (y *layer) acceptRepeat(p *packet.Packet) (seq uint64, ok bool) {
	seq = packet.Nearest(y.highest, p.Seq)
	return seq, y.highest != 0 && seq < y.highest && y.useful(seq)
}

func (y *layer) useful(seq uint64) bool {
	if y.tooLate(seq) {
		y.stats.TooLate++
		return false
	}
	if y.ring.get(seq) != nil {
		y.stats.Duplicates++
		return false
	}
	return true
}

func (y *layer) tooLate(seq uint64) bool {
	return y.ring.tooOld(seq, y.highest) || y.earlierSource(seq)
}

// farTooLate leaves out what is only a little late for a stream that has come from another node: sent again, it is no sign of a
// sender that counts anew.
func (y *layer) farTooLate(seq uint64) bool { return y.tooLate(seq) && seq+maxMissing <= y.highest }

// earlierSource is true if a packet is of an SSRC that sends no more. The first packet may have overtaken some.
func (y *layer) earlierSource(seq uint64) bool { return seq+maxMissing < y.first }

// restarts is true if a packet that seems to be far too late follows another such one: the sender has begun to count
// anew (RFC 3550, appendix A.1).
func (y *layer) restarts(seq uint16) bool {
	again := y.stray && seq == y.strayNext
	y.stray, y.strayNext = !again, seq+1
	return again
}

// drifts is true of a packet that would be the newest, and whose timestamp does not follow from the newest there is.
func (y *layer) drifts(p *packet.Packet, seq uint64, rate uint32) bool {
	newest := y.ring.get(y.highest)
	if newest == nil || seq <= y.highest {
		return false
	}
	drift := int64(int32(p.Timestamp - newest.ts - ticks(p.Arrival-newest.arrival, rate)))
	return max(drift, -drift) > int64(ticks(maxDrift, rate))
}

// begin starts a source: the first, or one that takes the place of another.
func (y *layer) begin(ssrc uint32, seq uint64) {
	y.stats.SSRC = ssrc
	y.first, y.highest = seq, seq-1
	y.loss.reset()
	y.reception.start(ssrc, seq)
	y.srKnown = false
}

// store puts an accepted packet into the ring and the burst.
func (y *layer) store(p *packet.Packet, seq uint64, burst uint32, c codec.Codec, size ringSize) *slot {
	t := y.ring.put(seq, p.Arrival, p.Payload, size)
	t.arrival, t.ts, t.marker, t.burst, t.red = p.Arrival, p.Timestamp, p.Marker, burst, 0
	t.ext = p.Ext
	t.ext.MID, t.ext.RID, t.ext.RepairedRID = nil, nil, nil
	if codec.Describe(c, p.Payload, &t.desc) != nil {
		t.desc = codec.Descriptor{} // relayed as it is: it may be encrypted end to end
	}
	t.dependencies = append(t.dependencies[:0], p.Ext.DependencyDescriptor...)
	t.ext.DependencyDescriptor = t.dependencies
	if c == codec.AV1 && p.Ext.Present.Has(packet.HasDependencyDescriptor) {
		y.describe(t.dependencies, seq, &t.desc)
	}
	if t.desc.Keyframe {
		y.noteKeyframe(t)
	}
	y.addToBurst(seq)
	return t
}

// noteKeyframe takes a packet that a leg may begin with. Of H.264, several of one picture are such: parameter sets come before the
// slices, in packets of their own, and nobody can do without.
func (y *layer) noteKeyframe(t *slot) {
	y.burstKeyframe = true
	y.keyframes.seen(t.arrival)
	if first := y.ring.get(y.keyframe); y.keyframe != 0 && first != nil && first.ts == t.ts {
		y.keyframe = min(y.keyframe, t.seq)
		return
	}
	y.stats.Keyframes++
	y.keyframe = max(y.keyframe, t.seq)
}

// describe reads what an AV1 payload does not say of its place among the layers.
func (y *layer) describe(dependencyDescriptor []byte, seq uint64, d *codec.Descriptor) {
	if y.dependencies == nil {
		y.dependencies = new(codec.Dependencies)
	}
	_ = y.dependencies.Read(dependencyDescriptor, seq, d) // one that makes no sense says nothing
}

// addToBurst keeps the burst in order; packets come in order but for a few.
func (y *layer) addToBurst(seq uint64) {
	y.burst = append(y.burst, seq)
	for i := len(y.burst) - 1; i > 0 && y.burst[i-1] > seq; i-- {
		y.burst[i], y.burst[i-1] = y.burst[i-1], seq
	}
}

// follow moves the end of the sequence, and notes what is missing or has been found.
func (y *layer) follow(seq uint64, now time.Duration, nack bool) {
	if seq < y.highest {
		y.stats.Recovered++
		y.loss.found(seq, now)
		return
	}
	if missing := seq - y.highest - 1; missing > 0 {
		y.stats.Lost += missing
		if nack {
			y.loss.gap(y.highest+1, seq, now)
		}
	}
	y.highest = seq
}

// flows is true if a packet came within the time given.
func (y *layer) flows(now, within time.Duration) bool {
	return y.highest != 0 && now-y.stats.LastPacket <= within
}
