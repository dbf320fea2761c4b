package node

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// shared is an m= section in which both sides may send, as one endpoint has it: the sending half is a slot, like any.
type shared struct {
	kind   sdp.Kind
	codec  string // of audio and video
	out    sdp.Accepted
	source Source // Feed is that of data, too
	own    *feed  // of an echo: the peer's, which need not have a name
	msid   string
}

// slotAt returns the slot of an m= section, a new one if the section is new or has been recycled.
func (s *subscriber) slotAt(i int, kind sdp.Kind, mid string, now time.Duration) *slot {
	s.shared = true
	for len(s.slots) <= i {
		s.slots = append(s.slots, &slot{subscriber: s, kind: kind, mid: mid, send: true})
	}
	if sl := s.slots[i]; sl.kind == kind && sl.mid == mid {
		return sl
	}
	s.slots[i].vacate(now)
	s.slots[i] = &slot{subscriber: s, kind: kind, mid: mid, send: true}
	return s.slots[i]
}

// announce draws the SSRCs with which the slots of an offer will send.
func (s *subscriber) announce(sections []sdp.Passed, now time.Duration) []sdp.Sent {
	sent := make([]sdp.Sent, len(sections))
	for i := range sections {
		p := &sections[i]
		sl := s.slotAt(i, p.Kind, p.MID, now)
		if p.Kind == sdp.Data || p.Refused || !p.Direction.Sends() {
			continue
		}
		sl.draw(p.Kind == sdp.Video)
		sl.offered.Sent.MSID = msid(p.MSID, p.MID)
		sent[i] = sl.offered.Sent
	}
	return sent
}

// draw gives the slot SSRCs, unless it has some.
func (s *slot) draw(repair bool) {
	sent, p := &s.offered.Sent, s.subscriber.peer
	if sent.SSRC == 0 {
		sent.SSRC = p.newSSRC()
	}
	if repair && sent.RTX == 0 {
		sent.RTX = p.newSSRC()
	}
}

func msid(given, mid string) string {
	if given == "" {
		return "janus janus" + mid
	}
	return given
}

// share makes the slot send what was agreed, and returns what the answer says of it.
func (s *slot) share(w *shared, now time.Duration) sdp.Sent {
	s.accepted = w.out
	if s.kind == sdp.Data {
		s.ready = w.out.Ready
		if f := s.from(w); f != nil && s.ready {
			s.hear(map[*feed]string{f: ""})
		} else {
			s.hear(nil)
		}
		return sdp.Sent{}
	}
	if s.leg != nil && (!w.out.Ready || s.offered.Codec != w.codec) {
		s.vacate(now)
		s.offered.Sent = sdp.Sent{} // none is used for two legs
	}
	if !w.out.Ready {
		return sdp.Sent{}
	}
	s.draw(w.out.RTX != 0)
	s.offered = sdp.Slot{MID: s.mid, Kind: s.kind, Codec: w.codec, Active: true, Sent: s.offered.Sent}
	s.offered.Sent.MSID = w.msid
	if s.leg == nil {
		s.fill()
	}
	s.ready = true
	s.leg.Reconfigure(s.config(&s.accepted))
	s.follow(&w.source, s.from(w))
	s.connect(now)
	s.flow(now)
	return s.offered.Sent
}

// from finds the feed that is sent; nil if nobody has it. It is not to be kept while slots change: a mirror ends with its last.
func (s *slot) from(w *shared) *feed {
	if w.own != nil || w.source.Feed == "" {
		return w.own
	}
	return s.subscriber.peer.shard.feed(w.source.Feed, "")
}

// share makes the slots of all m= sections, in their order.
func (s *subscriber) share(sections []shared, now time.Duration) []sdp.Sent {
	sent := make([]sdp.Sent, len(sections))
	for i := range sections {
		w := &sections[i]
		sent[i] = s.slotAt(i, w.kind, w.out.MID, now).share(w, now)
	}
	return sent
}
