package forward

import "time"

// noteSent remembers the lowest temporal layer sent in this burst.
func (l *Leg) noteSent(t *slot) {
	if l.sentIn != l.source.burst || t.desc.Temporal < l.lowestSent {
		l.sentIn, l.lowestSent = l.source.burst, t.desc.Temporal
	}
}

// Overrun says that of what was sent in the burst that has just ended some was dropped on its way out, since the
// network or the subscriber does not keep up. A frame with a hole is of no use, nor are those that refer to it: the leg
// goes on at the next frame that can be decoded. If all that was sent is of higher temporal layers, that is the next one
// of a lower, else a key frame, which is asked for.
func (l *Leg) Overrun(now time.Duration) {
	switch {
	case l.source == nil || l.source.cfg.Codec.Audio() || l.choice.current == none:
		return
	case l.sentIn+1 != l.source.burst:
		return // what was dropped is not the leg's
	}
	l.stats.Overruns++
	if l.source.layered() && l.lowestSent > 0 {
		l.choice.temporal = min(l.choice.temporal, int(l.lowestSent)-1)
		return
	}
	l.leaveLayer()
	l.ask(l.choice.wanted, now)
}
