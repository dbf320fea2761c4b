package node

import (
	"context"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/keep"
)

const (
	// keepEvery is how old the value of a peer may be that another node keeps.
	keepEvery = time.Second
	// mostKeptAtOnce bounds how many values a worker makes in one go, for which packets wait.
	mostKeptAtOnce = 8
)

// How far ahead of use a value begins: what a stream sends in aheadFor at its present rate, within these bounds, of which the
// higher keeps well below half of the numbers of 16 bits, so that the endpoint's roll-over counter is beyond doubt
// (RFC 3711, section 3.3.1).
const (
	aheadFor   = 6 * time.Second
	leastAhead = 1024
	mostAhead  = 1 << 14
	// reportsAhead is of SRTCP, whose indexes are sent whole.
	reportsAhead = 1 << 14
)

// Value is a peer's, for the node that keeps it.
type Value struct {
	Peer   PeerID
	Serial uint64
	State  *State // nil of a peer that has ended here
}

// keeping is what a peer knows of the node that keeps its value.
type keeping struct {
	bounds  keep.Bounds
	due     time.Duration // when the next value is; 0 if there was none yet
	at      time.Duration // of the last
	indexes map[uint32]uint64
	bounded []keep.Index
}

// Keepable returns values of a shard that another node is to keep now. more is true if there may be others, for which it is to be
// called again: the worker does what has come meanwhile first.
func (n *Node) Keepable(ctx context.Context, shard int) (values []Value, more bool, err error) {
	type some struct {
		values []Value
		more   bool
	}
	sh := n.shards[shard]
	got, err := do(ctx, sh, func(now time.Duration) (some, error) {
		values, more := sh.keepable(now)
		return some{values, more}, nil
	})
	return got.values, got.more, err
}

func (sh *shard) keepable(now time.Duration) (values []Value, more bool) {
	values, sh.ended = sh.ended, nil
	made := 0
	for _, p := range sh.peers {
		if now < p.keeping.due {
			continue
		}
		if made == mostKeptAtOnce {
			return values, true
		}
		made++
		p.keeping.postpone(now, p.id.Handle)
		if v := p.keep(now); v != nil {
			values = append(values, *v)
		}
	}
	return values, false
}

// postpone has the next value be due: after keepEvery, but the second one sooner, so that peers which had their first at the same
// time do not have all others at the same time too.
func (k *keeping) postpone(now time.Duration, h Handle) {
	wait := keepEvery
	if k.due == 0 {
		wait -= keepEvery / 2 * time.Duration(spread(h)) / spreads
	}
	k.due = now + wait
}

// spreads is how many moments there are for values to be due.
const spreads = 256

// spread is a number below spreads that belongs to a handle.
func spread(h Handle) uint64 {
	return (h.Session ^ h.ID*0xbf58476d1ce4e5b9) * 0x9e3779b97f4a7c15 >> 56 // as of splitmix64
}

// Shards is how many there are.
func (n *Node) Shards() int { return len(n.shards) }

// keep returns the peer's value, and bounds what it sends from now on; nil of one that has none that can be kept.
func (p *peer) keep(now time.Duration) *Value {
	k := &p.keeping
	if p.taking != nil || p.closed {
		return nil
	}
	if k.bounds.Full() {
		p.node.keepSkipped.Add(1)
		return nil
	}
	s, err := p.export()
	if err != nil {
		return nil
	}
	marks := p.jumpAhead(s, now)
	v := &Value{Peer: p.id, Serial: k.bounds.Send(marks), State: s}
	p.bound()
	return v
}

// jumpAhead makes a state one from which another node can go on without a word from this one: beyond all that this one sends
// until it has given another.
func (p *peer) jumpAhead(s *State, now time.Duration) (marks []keep.Mark) {
	k := &p.keeping
	elapsed := now - k.at
	before := k.indexes
	k.at, k.indexes = now, make(map[uint32]uint64, len(s.Transport.Sent))
	for i := range s.Transport.Sent {
		sent := &s.Transport.Sent[i]
		sent.RTCP += reportsAhead
		marks = append(marks, keep.Mark{Index: keep.Index{SSRC: sent.SSRC, RTCP: true}, At: uint64(sent.RTCP)})
		if sent.RTP == 0 {
			continue
		}
		k.indexes[sent.SSRC] = sent.RTP
		last, known := before[sent.SSRC]
		sent.RTP += ahead(sent.RTP-last, elapsed, known)
		marks = append(marks, keep.Mark{Index: keep.Index{SSRC: sent.SSRC}, At: sent.RTP})
	}
	at := func(ssrc uint32) uint64 {
		for i := range s.Transport.Sent {
			if s.Transport.Sent[i].SSRC == ssrc {
				return s.Transport.Sent[i].RTP
			}
		}
		return 0
	}
	for i := range s.Subscribing.Slots {
		if sl := &s.Subscribing.Slots[i]; sl.Leg != nil {
			sl.Leg.JumpTo(at(sl.Offered.Sent.SSRC), at(sl.Offered.Sent.RTX))
		}
	}
	s.TransportSeq += mostAhead
	if c := s.Transport.Connection; c != nil { // which is ahead already
		marks = append(marks, keep.Mark{Index: keep.Index{DTLS: true}, At: c.Next})
	}
	return marks
}

// ahead is how many numbers are left to a stream that has sent so many packets in some time.
func ahead(packets uint64, elapsed time.Duration, known bool) uint64 {
	if !known || elapsed <= 0 {
		return leastAhead
	}
	return min(max(uint64(float64(packets)*float64(aheadFor)/float64(elapsed)), leastAhead), mostAhead)
}

// bound tells the connection how far it may send.
func (p *peer) bound() {
	k := &p.keeping
	now := k.bounds.Indexes()
	for _, i := range k.bounded {
		if !slices.Contains(now, i) {
			p.boundOne(i)
		}
	}
	for _, i := range now {
		p.boundOne(i)
	}
	k.bounded = now
}

func (p *peer) boundOne(i keep.Index) {
	switch bound := p.keeping.bounds.Of(i); {
	case i.DTLS:
		p.conn.BoundRecords(bound)
	case i.RTCP:
		p.conn.BoundRTCP(i.SSRC, bound)
	default:
		p.conn.BoundRTP(i.SSRC, bound)
	}
}

// ChannelsChanged is for data channels that have come or gone: another node would not know of them.
func (p *peer) ChannelsChanged() { p.keeping.due = 0 }

// Acknowledge is for values that the keeper has taken, or has refused: of those it has none older either.
func (n *Node) Acknowledge(taken, refused []Value) {
	byShard := map[*shard][]func(now time.Duration){}
	add := func(v Value, f func(b *keep.Bounds, serial uint64)) {
		sh := n.shard(v.Peer.Handle)
		byShard[sh] = append(byShard[sh], func(now time.Duration) {
			if p := sh.peers[v.Peer.Handle]; p != nil && p.id == v.Peer {
				f(&p.keeping.bounds, v.Serial)
				p.bound()
				p.setBounded(false, now)
			}
		})
	}
	for _, v := range taken {
		add(v, (*keep.Bounds).Acknowledged)
	}
	for _, v := range refused {
		n.keepSkipped.Add(1)
		add(v, (*keep.Bounds).Refused)
	}
	for sh, all := range byShard {
		sh.worker.Post(func(now time.Duration) {
			for _, f := range all {
				f(now)
			}
		})
	}
}

// FreeKept is for a keeper that nobody will ask any more: nothing is bounded by what it has, and the next one gets all.
func (n *Node) FreeKept() {
	for _, sh := range n.shards {
		sh.worker.Post(func(now time.Duration) {
			sh.ended = nil
			for _, p := range sh.peers {
				p.keeping.bounds.Free()
				p.keeping.due = 0
				p.bound()
				p.setBounded(false, now)
			}
		})
	}
}

// KeepSkipped is how many values were not kept in time.
func (n *Node) KeepSkipped() uint64 { return n.keepSkipped.Load() }

// Guard has all be quiet when the process has been stopped for a while, until Resume.
func (n *Node) Guard(on bool) {
	for _, sh := range n.shards {
		sh.worker.Post(func(now time.Duration) {
			if !on {
				sh.worker.Guard(nil)
				sh.setQuiet(false, now)
				return
			}
			sh.worker.Guard(func() {
				sh.woken = n.wakes.Add(1)
				sh.setQuiet(true, sh.worker.Now())
				n.log.Warn("the process has been stopped; its peers are quiet until it is known whose they are")
				select {
				case n.woken <- struct{}{}:
				default: // there is a token
				}
			})
		})
	}
}

// Woken gives a token when the process has been stopped.
func (n *Node) Woken() <-chan struct{} { return n.woken }

// Wakes is how many times it was noticed that the process had been stopped.
func (n *Node) Wakes() uint64 { return n.wakes.Load() }

// Resume is for the keeper's word that nobody has the peers of this node, asked for after so many wakes.
func (n *Node) Resume(wakes uint64) {
	for _, sh := range n.shards {
		sh.worker.Post(func(now time.Duration) {
			if sh.woken <= wakes {
				sh.worker.Resume()
				sh.setQuiet(false, now)
			}
		})
	}
}

// Abandon ends all peers without a word to anybody: they are others'.
func (n *Node) Abandon(ctx context.Context) {
	for _, sh := range n.shards {
		_ = sh.run(ctx, func(now time.Duration) error {
			for _, p := range sh.peers {
				p.conn.Leave()
				p.release(now)
			}
			return nil
		})
	}
}

// keepEnd has the keeper forget the value of a peer that has ended, or gone on elsewhere. There are no more such words than there
// were peers when values were asked for last.
func (p *peer) keepEnd() {
	if k := &p.keeping; k.bounds.Kept() {
		p.shard.ended = append(p.shard.ended, Value{Peer: p.id, Serial: k.bounds.Send(nil)})
	}
}

// beginAnew is for a peer that goes on from a kept value: what came last is lost, and who
// receives cannot go on without a key frame.
func (p *peer) beginAnew(now time.Duration) {
	for _, in := range p.publishing.streams {
		if in != nil {
			in.stream.BeginAnew(now)
		}
	}
}
