package forward

import "time"

// What a leg that begins may be sent at once at most: it is a burst, of which nobody knows yet what it meets.
const (
	mostPast    = 100 // packets
	longestPast = 600 * time.Millisecond
)

// beginInPast begins with the newest key frame of the layer wanted, if that and all after it are still held: where many
// come at once, one key frame serves them all, and nobody waits until the next may be asked for. It is for legs that have
// not sent yet, or not since they come from a node that has died: others would have to go back in time.
func (l *Leg) beginInPast(now time.Duration) bool {
	s, layer := l.source, l.choice.wanted
	if l.end.sent && l.likeBefore == nil || !s.relaying || s.cfg.Codec.Audio() || s.cfg.Opaque {
		return false
	}
	y := &s.layers[layer]
	first := y.past(now)
	if first == nil || first.burst == s.burst {
		return false
	}
	if _, ok := l.mayEnter(layer, first); !ok {
		return false
	}
	l.enter(layer, first)
	for seq := first.seq; seq <= y.highest; seq++ {
		if t := y.ring.get(seq); t.burst != s.burst { // those come with the burst
			l.advance(t, now)
		}
	}
	return true
}

// past returns the newest key frame's first packet, if all that came since is still held and it is little and recent.
func (y *layer) past(now time.Duration) *slot {
	first := y.ring.get(y.keyframe)
	if first == nil || now-first.arrival > longestPast || y.highest-first.seq >= mostPast {
		return nil
	}
	for seq := first.seq + 1; seq <= y.highest; seq++ {
		if y.ring.get(seq) == nil {
			return nil
		}
	}
	return first
}
