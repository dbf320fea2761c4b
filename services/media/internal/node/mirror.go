package node

import (
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// maxMirroredData is how much of a feed's messages may wait for one shard, in bytes.
const maxMirroredData = 4 << 20

// mirror is a feed of another shard. It begins with its first slot, and ends with its last, or with the feed.
// Packets come once per burst, whatever number of slots there is; all else crosses by the workers' mailboxes.
type mirror struct {
	feed
	shard   *shard
	origin  *shard
	clock   forward.PublisherClock
	streams map[uint32]*replica // by their numbers
	ended   bool
	waiting atomic.Int64 // bytes of messages under way

	publisher *publisher                 // set by attach; the origin's, as is all that follows
	full      bool                       // a message was too many
	missed    map[uint32]*forward.Missed // of streams by their numbers; nil while nothing is
}

// replica is one of its streams.
type replica struct {
	flow
	mirror     *mirror
	mid, codec string
}

// description is what a mirror has to know of a stream before its packets come.
type description struct {
	number     uint32
	mid, codec string
	config     forward.StreamConfig
}

// mirror makes one, and asks the feed's shard to feed it.
func (sh *shard) mirror(id FeedID, origin *shard) *mirror {
	m := &mirror{shard: sh, origin: origin, streams: map[uint32]*replica{}}
	m.init(m)
	m.id = id
	sh.mirrors[id] = m
	sh.node.mirrors.Add(1)
	origin.worker.Post(func(now time.Duration) { origin.attach(m, now) })
	return m
}

// attach begins to feed a mirror.
func (sh *shard) attach(m *mirror, now time.Duration) {
	pub := sh.feeds[m.id]
	if pub == nil {
		m.shard.worker.Post(m.end)
		return
	}
	m.publisher = pub
	pub.taps = append(pub.taps, m)
	m.describe(pub)
	m.remember(pub, now)
}

// describe tells a mirror which streams there are.
func (m *mirror) describe(pub *publisher) {
	var streams []description
	for _, in := range pub.streams {
		if in != nil {
			streams = append(streams, description{in.number, in.agreed.MID, in.agreed.Format.Codec, in.stream.Config()})
		}
	}
	m.shard.worker.Post(func(now time.Duration) { m.take(streams, now) })
}

// remember gives a mirror that begins what its slots may begin with.
func (m *mirror) remember(pub *publisher, now time.Duration) {
	for _, in := range pub.streams {
		b := new(forward.Burst)
		if in == nil || !in.stream.CopyPast(b, now) {
			continue
		}
		number := in.number
		m.shard.worker.Post(func(now time.Duration) {
			if r := m.streams[number]; r != nil && !m.ended {
				r.stream.ReceiveBurst(b, now)
				r.received(now)
			}
		})
	}
}

// detach ends it.
func (m *mirror) detach() {
	pub := m.publisher
	if pub == nil {
		return
	}
	for i, other := range pub.taps {
		if other == m {
			pub.taps = append(pub.taps[:i], pub.taps[i+1:]...)
			return
		}
	}
}

// take makes replicas of exactly these streams.
func (m *mirror) take(streams []description, now time.Duration) {
	if m.ended {
		return
	}
	last := m.streams
	m.streams = map[uint32]*replica{}
	for _, d := range streams {
		r := last[d.number]
		delete(last, d.number)
		if r == nil {
			r = &replica{mirror: m, codec: d.codec}
			r.number = d.number
			r.start(m.shard, forward.NewStream(d.config.Replica(r, &m.clock)), now)
		}
		r.mid = d.mid
		m.streams[d.number] = r
	}
	for _, r := range last {
		r.stop(now)
	}
	for s := range m.watchers {
		s.connect(now) // it has come, is back, or has another codec
	}
}

// find is of finder.
func (m *mirror) find(mid, codec string) *forward.Stream {
	for _, r := range m.streams {
		if r.mid == mid && r.codec == codec {
			return r.stream
		}
	}
	return nil
}

// unused is of finder.
func (m *mirror) unused() {
	if !m.ended {
		m.close(m.shard.worker.Now())
		m.origin.worker.Post(func(time.Duration) { m.detach() })
	}
}

// end is for a feed that has ended.
func (m *mirror) end(now time.Duration) {
	if !m.ended {
		m.close(now)
		m.feed.end()
	}
}

func (m *mirror) close(now time.Duration) {
	m.ended = true
	m.shard.node.mirrors.Add(-1)
	for _, r := range m.streams {
		r.stop(now)
	}
	if m.shard.mirrors[m.id] == m {
		delete(m.shard.mirrors, m.id)
	}
}

// RequestKeyframe is of forward.Upstream.
func (r *replica) RequestKeyframe(ssrc uint32) {
	m := r.mirror
	m.origin.worker.Post(func(now time.Duration) {
		for _, in := range m.publisher.streams {
			if in != nil && in.number == r.number {
				in.stream.RequestKeyframeFor(ssrc, now)
			}
		}
	})
}

// SendNACK is of forward.Upstream, and not called for a replica.
func (r *replica) SendNACK(uint32, []uint16) {}

// bursts are what a burst brought to a shard's feeds, for another shard.
type bursts struct {
	each []mirroredBurst
	used int // of each; what is behind is kept for its buffers
}

type mirroredBurst struct {
	mirror *mirror
	stream uint32
	burst  forward.Burst
}

// joined makes the lanes to all other shards.
func (sh *shard) joined() {
	for _, to := range sh.node.shards {
		var lane *transport.Lane[bursts]
		if to != sh {
			lane = transport.NewLane(to.worker, takeBursts)
		}
		sh.lanes = append(sh.lanes, lane)
	}
}

// copyTo loads what a stream has received in this burst.
func (sh *shard) copyTo(m *mirror, f *flow) {
	b := sh.lanes[m.shard.index].Load()
	if b == nil {
		sh.node.mirrorDrops.Add(uint64(f.stream.Miss(m.misses(f.number))))
		return
	}
	if b.used == len(b.each) {
		b.each = append(b.each, mirroredBurst{})
	}
	next := &b.each[b.used]
	b.used++
	next.mirror, next.stream = m, f.number
	if missed := m.missed[f.number]; missed != nil {
		sh.node.mirrorDrops.Add(uint64(f.stream.CopyMissed(&next.burst, missed)))
		delete(m.missed, f.number)
		return
	}
	f.stream.CopyBurst(&next.burst)
}

// misses are where it is noted what a stream has for the mirror that there is no room for.
func (m *mirror) misses(stream uint32) *forward.Missed {
	if m.missed == nil {
		m.missed = map[uint32]*forward.Missed{}
	}
	if m.missed[stream] == nil {
		m.missed[stream] = new(forward.Missed)
	}
	return m.missed[stream]
}

// takeBursts is where lanes end.
func takeBursts(b *bursts, now time.Duration) {
	for i := range b.each[:b.used] {
		one := &b.each[i]
		if r := one.mirror.streams[one.stream]; r != nil && !one.mirror.ended {
			r.stream.ReceiveBurst(&one.burst, now)
			r.received(now)
		}
		one.mirror = nil
	}
	b.used = 0
}
