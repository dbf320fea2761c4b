package node

import (
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// maxMirroredData is how much of a feed's messages may wait for one shard, in bytes.
const maxMirroredData = 4 << 20

// mirror is a feed of another shard, which may have it from another node. It begins with its first slot, and ends with its
// last, or with the feed. Packets come once per burst, whatever number of slots there is; all else crosses by the workers'
// mailboxes.
type mirror struct {
	feed
	shard   *shard
	origin  *shard
	node    string // that origin pulls the feed from; empty of a feed that is here
	clock   forward.PublisherClock
	streams map[uint32]*replica // by their numbers
	ended   bool
	waiting atomic.Int64 // bytes of messages under way

	source source                     // set by attach; the origin's, as is all that follows
	full   bool                       // a message was too many
	missed map[uint32]*forward.Missed // of streams by their numbers; nil while nothing is
	wanted map[uint32]mirrorWants     // by streams' numbers; only of a feed of another node
}

// mirrorWants is what a mirror wants of a stream.
type mirrorWants struct {
	layers uint8 // that it has legs for
	held   [forward.MaxLayers]RelayHeld
}

// replica is one of its streams.
type replica struct {
	flow
	mirror     *mirror
	mid, codec string
}

// mirror makes one, and asks the feed's shard to feed it, pulled from a node if need be.
func (sh *shard) mirror(id FeedID, origin *shard, node string) *mirror {
	m := &mirror{shard: sh, origin: origin, node: node, streams: map[uint32]*replica{}}
	m.init(m)
	m.id = id
	sh.mirrors[id] = m
	sh.node.mirrors.Add(1)
	origin.worker.Post(func(now time.Duration) { origin.attach(m, node, now) })
	return m
}

// attach begins to feed a mirror.
func (sh *shard) attach(m *mirror, node string, now time.Duration) {
	m.source = sh.source(m.id, node)
	if m.source == nil {
		m.shard.worker.Post(func(now time.Duration) { m.end("", now) })
		return
	}
	t := m.source.tapped()
	t.mirrors = append(t.mirrors, m)
	m.describe(m.source)
	m.remember(now)
}

// redirect is for who says that the feed is on a node.
func (m *mirror) redirect(node string) {
	if m.node == "" || node == "" || node == m.node {
		return
	}
	m.node = node
	m.origin.worker.Post(func(time.Duration) {
		if p := m.origin.pulls[m.id]; p != nil {
			p.redirect(node)
		}
	})
}

// describe tells a mirror which streams there are.
func (m *mirror) describe(from source) {
	streams := from.descriptions()
	m.shard.worker.Post(func(now time.Duration) { m.take(streams, now) })
}

// remember gives a mirror that begins what its slots may begin with.
func (m *mirror) remember(now time.Duration) {
	for _, d := range m.source.descriptions() {
		b := new(forward.Burst)
		if !m.source.numbered(d.number).stream.CopyPast(b, now) {
			continue
		}
		m.shard.worker.Post(func(now time.Duration) {
			if r := m.streams[d.number]; r != nil && !m.ended {
				r.stream.ReceiveBurst(b, now)
				r.received(now)
			}
		})
	}
}

// detach ends it.
func (m *mirror) detach() {
	if m.source == nil {
		return
	}
	t := m.source.tapped()
	for i, other := range t.mirrors {
		if other == m {
			t.mirrors = append(t.mirrors[:i], t.mirrors[i+1:]...)
			m.source.untapped()
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
			cfg := d.config.Replica(r, &m.clock)
			if m.node != "" {
				cfg.Wanted = func(layers uint8) { m.want(d.number, mirrorWants{layers, held(r.stream)}) }
			}
			r.start(m.shard, forward.NewStream(cfg), now)
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

// heard is of finder.
func (m *mirror) heard() {
	if m.node != "" {
		m.want(anyMessages, mirrorWants{layers: uint8(min(len(m.listeners), 1))})
	}
}

// want tells the origin what of a stream is of use here.
func (m *mirror) want(number uint32, w mirrorWants) {
	m.origin.worker.Post(func(time.Duration) {
		if m.source != nil {
			m.source.wants(m, number, w)
		}
	})
}

// end is for a feed that has ended, or goes on on another node.
func (m *mirror) end(to string, now time.Duration) {
	if m.ended {
		return
	}
	if m.shard.mirrors[m.id] == m {
		delete(m.shard.mirrors, m.id)
	}
	m.feed.end(to, now) // as long as legs are connected still
	m.close(now)
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
func (r *replica) RequestKeyframe(ssrc uint32) (sent bool) {
	m := r.mirror
	m.origin.worker.Post(func(now time.Duration) {
		if f := m.source.numbered(r.number); f != nil {
			f.stream.RequestKeyframeFor(ssrc, now)
		}
	})
	return true
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
