package node

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

const (
	repairTick = 10 * time.Millisecond // of a stream that lacks packets
	livelyTick = 50 * time.Millisecond // of others whose packets come
	idleTick   = time.Second           // of others
	livelyFor  = 3 * time.Second       // after the last packet
)

// flow is a stream that a shard looks after: a publisher's, or a replica of one of another shard or node.
type flow struct {
	shard  *shard
	stream *forward.Stream
	taps   *taps  // that are fed from it; nil of a mirror's replica
	number uint32 // among all of a publisher: by it, mirrors tell streams apart
	dirty  bool   // in shard.dirty

	lively    bool
	repairing bool          // each tick is a repairTick
	last      time.Duration // when packets came
	ticks     *transport.Timer
}

func (f *flow) start(sh *shard, s *forward.Stream, now time.Duration) {
	f.shard, f.stream = sh, s
	f.ticks = sh.worker.NewTimer(f.tick)
	f.ticks.Set(now + idleTick)
}

// received takes note that the stream has packets that are to go out at the end of the burst.
func (f *flow) received(now time.Duration) {
	f.last = now
	if !f.lively {
		f.lively = true
		f.ticks.Set(now + livelyTick)
	}
	if !f.dirty {
		f.dirty = true
		f.shard.dirty = append(f.shard.dirty, f)
	}
}

// flush ends a burst.
func (f *flow) flush(now time.Duration) {
	f.stream.Flush(now)
	if !f.repairing && f.stream.Repairing() {
		f.repairing = true
		f.ticks.Set(now + repairTick)
	}
}

func (f *flow) tick(now time.Duration) {
	f.stream.Tick(now)
	f.repairing = f.stream.Repairing()
	every := livelyTick
	switch {
	case now-f.last >= livelyFor:
		f.lively, f.repairing, every = false, false, idleTick
	case f.repairing:
		every = repairTick
	}
	f.ticks.Set(now + every)
}

func (f *flow) stop(now time.Duration) {
	f.ticks.Stop()
	f.stream.Close(now)
}
