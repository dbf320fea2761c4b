package forward

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

// relay sends what the source's current burst has for this leg.
func (l *Leg) relay(now time.Duration) {
	s := l.source
	open := l.flowing && s.relaying
	for i := range s.layers {
		y := &s.layers[i]
		switch {
		case !open:
			l.stats.Dropped[DropNotFlowing] += uint64(len(y.burst))
		case s.quiet && !l.cfg.Quiet:
			l.stats.Dropped[DropQuiet] += uint64(len(y.burst))
		case i != l.choice.current && l.choice.current != none && !y.burstKeyframe:
			l.stats.Dropped[DropOtherLayer] += uint64(len(y.burst))
		default:
			for _, seq := range y.burst {
				if t := y.ring.get(seq); t != nil {
					l.take(i, t, now)
				}
			}
		}
	}
}

// take relays one packet of a layer, or leaves it out.
func (l *Leg) take(layer int, t *slot, now time.Duration) {
	if layer != l.choice.current || l.source.layers[layer].first != l.epoch {
		if reason, ok := l.mayEnter(layer, t); !ok {
			l.stats.Dropped[reason]++
			if layer == l.choice.current && reason == DropNoKeyframe {
				l.startAgain(now) // the source is not the one that it was taken for
			}
			return
		}
		l.enter(layer, t)
		l.catchUp(layer, t, now)
		return
	}
	l.advance(t, now)
}

// mayEnter says whether the layer can be gone on with from this packet.
func (l *Leg) mayEnter(layer int, t *slot) (Drop, bool) {
	s := l.source
	switch {
	case len(t.payload) == 0:
		return DropEmpty, false
	case s.layers[layer].earlierSource(t.seq):
		return DropLate, false
	case s.cfg.Codec.Audio() || s.cfg.Codec == codec.Unknown || s.cfg.Opaque && len(s.layers) == 1:
		return 0, true
	case !l.choice.onTheWay(layer):
		return DropOtherLayer, false
	case !t.desc.Keyframe:
		return DropNoKeyframe, false
	}
	return 0, true
}

// enter goes on with a layer from this packet: sequence and picture numbers follow on those sent last, and the
// timestamp is as much later as the packet came later.
func (l *Leg) enter(layer int, t *slot) {
	c := &l.choice
	c.current = layer
	c.temporal = c.targetTemporal(l.source.cfg.SVC)
	c.spatial = c.targetSpatial()
	r := run{out: l.end.next, src: t.seq, layer: uint8(layer), spatial: uint8(c.spatial)}
	l.closeGap(&r)
	if l.end.sent {
		elapsed := max(ticks(max(t.arrival-l.end.arrival, 0), l.source.cfg.Codec.ClockRate()), 1)
		r.ts = l.end.ts + elapsed - t.ts
		r.pictureID = l.end.pictureID + 1 - t.desc.PictureID
		r.tl0 = l.end.tl0 + 1 - t.desc.TL0PICIDX
	}
	if b := l.likeBefore; b != nil {
		if b.layer == layer && b.epoch == l.source.layers[layer].first {
			r.ts = b.ts
		}
		l.likeBefore = nil
	}
	l.history.start(r)
	l.since, l.epoch, l.top = r.out, l.source.layers[layer].first, t.seq-1
	l.leavingOut = false
	if len(l.source.layers) > 1 && layer != c.toldSubstream {
		c.toldSubstream = layer
		l.cfg.Observer.SubstreamChanged(layer)
	}
}

// maxGap is how many outgoing numbers may be left free at a time. It bounds what a publisher can do to SRTP's
// roll-over counter, which a gap of half the range would set wrong, and so to its nonces.
const maxGap = 1024

// closeGap brings a run that is to start nearer to the last packet sent, if it is too far from it. What had its place
// in between, and has not come yet, has none any more.
func (l *Leg) closeGap(r *run) bool {
	if !l.end.sent || r.out-l.end.last <= maxGap {
		return false
	}
	r.out = l.end.last + 2 // so that the receiver knows of a loss
	l.end.next = r.out
	l.history.cutBack(r.out)
	return true
}

// catchUp relays the packet that a layer was entered at, and those behind it that overtook it and so came in an
// earlier burst.
func (l *Leg) catchUp(layer int, t *slot, now time.Duration) {
	y := &l.source.layers[layer]
	l.advance(t, now)
	for seq := t.seq + 1; seq <= y.highest; seq++ {
		if later := y.ring.get(seq); later != nil && later.burst != t.burst {
			l.advance(later, now)
		}
	}
}

// advance relays a packet of the current layer, or leaves it out.
func (l *Leg) advance(t *slot, now time.Duration) {
	if t.seq <= l.top {
		l.fillIn(t, now)
		return
	}
	l.top = t.seq
	if reason, out := l.leaveOut(t); out {
		l.stats.Dropped[reason]++
		return
	}
	l.leavingOut = false
	r := *l.history.last()
	r.out, r.src = r.out+(t.seq-r.src), t.seq
	if l.closeGap(&r) {
		l.history.start(r)
	}
	l.send(t, &r, r.out, now)
	l.tellLayers(t)
}

// fillIn relays a packet that comes late, in the place that was kept for it.
func (l *Leg) fillIn(t *slot, now time.Duration) {
	r, out := l.history.bySource(uint8(l.choice.current), t.seq, l.since)
	switch {
	case r == nil || len(t.payload) == 0:
		l.stats.Dropped[DropLate]++
	case l.cut(t):
		l.stats.Dropped[DropTemporal]++
	default:
		l.send(t, r, out, now)
	}
}

// leaveOut decides whether the foremost packet is left out. If so, the next one takes its number.
func (l *Leg) leaveOut(t *slot) (Drop, bool) {
	reason := DropEmpty
	r := *l.history.last()
	if len(t.payload) > 0 {
		l.followTemporal(t)
		l.followSpatial(t)
		r.spatial = uint8(l.choice.spatial)
		switch {
		case l.cut(t):
			reason = DropTemporal
			if t.desc.PictureIDMask != 0 && (!l.leavingOut || l.leftOut != t.desc.PictureID) {
				r.pictureID-- // one picture less
			}
			l.leavingOut, l.leftOut = true, t.desc.PictureID
		case l.source.cfg.SVC && int(t.desc.Spatial) > l.choice.spatial:
			reason = DropSpatial
		default:
			if r.spatial != l.history.last().spatial {
				l.startRun(r, t.seq, t.seq)
			}
			return 0, false
		}
	}
	l.startRun(r, t.seq, t.seq+1)
	l.end.next = l.history.last().out
	return reason, true
}

// startRun puts r in force from a packet on that would have had its place at another in the run before.
func (l *Leg) startRun(r run, at, src uint64) {
	r.out += at - r.src
	r.src = src
	l.history.start(r)
}
