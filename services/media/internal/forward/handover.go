package forward

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// movingTime is how long the silence of a publisher on its way to another node counts as none.
const movingTime = time.Second

// StreamState is what a Stream has learnt of what it receives: with it, one on another node goes on with the same
// extended sequence numbers. Packets are not part of it, nor what was agreed (StreamConfig).
type StreamState struct {
	Relaying bool
	Layers   []LayerState
}

// LayerState is of one layer; its zero value is one that has not received anything.
type LayerState struct {
	SSRC           uint32
	First, Highest uint64 // extended sequence numbers: of the source's first packet, and of the newest
	ReportNTP      uint64 // of the publisher's last SR, with the RTP timestamp of that instant; 0 for none
	ReportRTP      uint32
	Stats          LayerStats
	Structure      []byte // of AV1: see codec.Dependencies.Structure
	StructureAt    uint64
}

// Export returns the state.
func (s *Stream) Export() StreamState {
	state := StreamState{Relaying: s.relaying}
	for i := range s.layers {
		y := &s.layers[i]
		l := LayerState{SSRC: y.stats.SSRC, First: y.first, Highest: y.highest, Stats: y.stats}
		if y.srKnown {
			l.ReportNTP, l.ReportRTP = y.srNTP, y.srTS
		}
		if y.dependencies != nil {
			l.Structure, l.StructureAt = y.dependencies.Structure()
		}
		state.Layers = append(state.Layers, l)
	}
	return state
}

// Adopt makes a new stream go on from a state. What came up to then is not asked for: the other node has relayed it.
func (s *Stream) Adopt(state StreamState, now time.Duration) {
	s.relaying = state.Relaying
	for i := range s.layers {
		if i < len(state.Layers) && state.Layers[i].Highest != 0 {
			s.layers[i].adopt(&state.Layers[i], now)
		}
	}
}

func (y *layer) adopt(l *LayerState, now time.Duration) {
	y.stats = l.Stats
	y.stats.SSRC = l.SSRC
	y.stats.LastPacket = now + movingTime
	y.first, y.highest, y.ring.evicted = l.First, l.Highest, l.Highest
	y.reception.start(l.SSRC, l.Highest+1)
	y.keyframes.latest = now
	y.srNTP, y.srTS, y.srKnown = l.ReportNTP, l.ReportRTP, l.ReportNTP != 0
	y.learn(l)
}

func (y *layer) learn(l *LayerState) {
	if l.Structure == nil {
		return
	}
	if y.dependencies == nil {
		y.dependencies = new(codec.Dependencies)
	}
	y.dependencies.Learn(l.Structure, l.StructureAt)
}

// Settle takes the last state of the other node, after packets may have begun to come here. What has come there is not
// missing, but for what a leg here still waits for, since it got here before the stream.
func (s *Stream) Settle(state StreamState, now time.Duration) {
	s.hurry(now)
	for i := range s.layers {
		if i >= len(state.Layers) {
			return
		}
		l, y := &state.Layers[i], &s.layers[i]
		if y.first != l.First {
			continue // the source began anew meanwhile
		}
		y.learn(l)
		relayed := s.relayed(i, l.Highest)
		y.loss.forget(relayed)
		y.ring.evicted = max(y.ring.evicted, relayed)
		if y.highest >= l.Highest {
			continue
		}
		if s.cfg.NACK {
			y.loss.gap(max(relayed, y.highest)+1, l.Highest+1, now)
		}
		y.highest = l.Highest
	}
}

// BeginAnew is for a stream, or a replica of one, of a node that has died: nobody has what came last, and nobody can go on without a key frame. What
// was asked for before has not been heard.
func (s *Stream) BeginAnew(now time.Duration) {
	for i := range s.layers {
		s.layers[i].keyframes.askedOnce = false
	}
	s.hurry(now)
	s.RequestKeyframe(now)
}

// hurry is for when the stream, or a leg, has come from another node: what was lost of it there cannot be had again, so that a key frame
// may be needed, and another soon after, by those who come next.
func (s *Stream) hurry(now time.Duration) {
	for i := range s.layers {
		s.layers[i].keyframes.hurried = now + hurriedFor
	}
}

// relayed returns up to which packet of a layer, at most highest, the other node has relayed to all legs that are here.
func (s *Stream) relayed(layer int, highest uint64) uint64 {
	for _, l := range s.legs {
		if l.flowing && l.choice.current == layer && l.adoptedAt != 0 {
			highest = min(highest, l.adoptedAt)
		}
	}
	return highest
}

// forget drops what is missing up to a sequence number. The rest is asked for as if it never had been: until now
// nothing could be sent.
func (t *lossTracker) forget(highest uint64) {
	kept := t.packets[:0]
	for _, m := range t.packets {
		if m.seq > highest {
			kept = append(kept, missing{seq: m.seq, noticed: m.noticed})
		}
	}
	t.packets = kept
}

// LegState is what a Leg has sent, and how: with it, one on another node goes on in the same RTP stream, connected to
// a stream with the same extended sequence numbers.
type LegState struct {
	Targets   Targets
	Substream int // relayed now; -1 for none
	Temporal  int
	Spatial   int

	Next, Last uint64 // extended outgoing sequence numbers: to go on with, and of the foremost packet sent; Last 0 for none
	Timestamp  uint32 // of the foremost packet sent
	PictureID  uint16
	TL0        uint8
	Arrival    time.Duration // of that packet at the node
	RTX        uint64        // extended sequence number of the last retransmission

	// How the next packet follows from the source's, while a substream is relayed.
	Source            uint64 // extended sequence number that becomes Next
	Epoch             uint64 // LayerState.First of the layer
	Top               uint64 // highest sequence number of the layer that was dealt with
	TimestampOffset   uint32
	PictureIDOffset   uint16
	TL0Offset         uint8
	SpatialOfRun      uint8
	LeavingOut        bool
	LeftOut           uint16
	ReportedLost      int32
	Stats             LegStats
	ToldSub, ToldTemp int
	ToldSpatial       int

	Jumped bool // see JumpTo
}

// JumpTo makes a state one from which a leg begins with these SRTP indexes (RFC 3711, section 3.3.1), whatever has been
// sent below. Video begins with a key frame.
func (s *LegState) JumpTo(media, rtx uint64) {
	s.Jumped = true
	s.Next = media + packet.FirstCycle
	if s.Last != 0 {
		s.Last = s.Next - 1
	}
	if rtx > 0 {
		s.RTX = rtx - 1
	}
	s.PictureID += picturesAhead
	s.TL0 += tl0Ahead
}

// How far what numbers pictures jumps: beyond what can have been sent meanwhile, and by less than half of what 15 bits, or 8,
// can tell apart.
const (
	picturesAhead = 1024
	tl0Ahead      = 96
)

// Export returns the state. The leg must not send any more if another goes on from it.
func (l *Leg) Export() LegState {
	c := &l.choice
	s := LegState{
		Targets: c.targets, Substream: c.current, Temporal: c.temporal, Spatial: c.spatial,
		Next: l.end.next, Timestamp: l.end.ts, PictureID: l.end.pictureID, TL0: l.end.tl0, Arrival: l.end.arrival,
		RTX: l.resends.seq, Epoch: l.epoch, Top: l.top, LeavingOut: l.leavingOut, LeftOut: l.leftOut,
		ReportedLost: l.reportedLost, Stats: l.stats,
		ToldSub: c.toldSubstream, ToldTemp: c.toldTemporal, ToldSpatial: c.toldSpatial,
	}
	if l.end.sent {
		s.Last = l.end.last
	}
	if c.current != none {
		r := l.history.last()
		s.Source = r.src + (l.end.next - r.out)
		s.TimestampOffset, s.PictureIDOffset, s.TL0Offset, s.SpatialOfRun = r.ts, r.pictureID, r.tl0, r.spatial
	}
	return s
}

// Indexes returns where the leg's two SSRCs have got to, for SRTP: the index (RFC 3711, section 3.3.1) of the next
// packet of each.
func (l *Leg) Indexes() (media, rtx uint64) {
	return l.end.next - packet.FirstCycle, l.resends.seq + 1
}

// Adopt makes a new leg, which is connected to its source already if that is there, go on from a state. A source that is not there
// yet is given to it by Move. If the leg flows, what the source has received since is relayed. Numbers below LegState.Next are not used again, so what comes late for
// them is dropped.
func (l *Leg) Adopt(s LegState, flowing bool, now time.Duration) {
	c := &l.choice
	l.wanted, l.flowing, l.expected = flowing, flowing, false
	c.targets = s.Targets
	if l.source != nil {
		defer l.source.wantedChanged()
		l.source.hurry(now)
	}
	l.end = tip{
		sent: s.Last != 0, last: s.Last, next: s.Next, ts: s.Timestamp, arrival: s.Arrival,
		pictureID: s.PictureID, tl0: s.TL0,
	}
	l.resends.seq, l.reportedLost, l.stats = s.RTX, s.ReportedLost, s.Stats
	c.toldSubstream, c.toldTemporal, c.toldSpatial = s.ToldSub, s.ToldTemp, s.ToldSpatial
	if s.Jumped && s.Substream != none {
		l.likeBefore = &sameTime{layer: s.Substream, epoch: s.Epoch, ts: s.TimestampOffset}
	}
	if s.Jumped || !flowing || s.Substream == none || !l.mayHave(s.Substream, s.Epoch) {
		l.startAgain(now)
		return
	}
	c.current, c.wanted, c.temporal, c.spatial = s.Substream, s.Substream, s.Temporal, s.Spatial
	l.history.reset()
	l.history.start(run{
		out: s.Next, src: s.Source, ts: s.TimestampOffset, pictureID: s.PictureIDOffset, tl0: s.TL0Offset,
		layer: uint8(s.Substream), spatial: s.SpatialOfRun,
	})
	l.since, l.epoch, l.top, l.adoptedAt = s.Next, s.Epoch, s.Top, s.Top
	l.leavingOut, l.leftOut = s.LeavingOut, s.LeftOut
	if l.source != nil {
		l.catchUpSince(&l.source.layers[s.Substream], now)
	}
}

// mayHave says whether the source has a layer of that epoch, or may have: it may not be known yet, or nothing may have come of it.
func (l *Leg) mayHave(layer int, epoch uint64) bool {
	if l.source == nil {
		return true
	}
	return layer < len(l.source.layers) && (l.source.layers[layer].highest == 0 || l.source.layers[layer].first == epoch)
}

// Offset is the publisher's clock as this node knows it: the node's minus the publisher's. It is false if unknown.
func (c *PublisherClock) Offset() (time.Duration, bool) { return c.offset, c.known }

// SetOffset takes over what another node knows.
func (c *PublisherClock) SetOffset(offset time.Duration) { c.offset, c.known = offset, true }
