package node

import (
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// slot is one m= section of a subscriber.
type slot struct {
	subscriber *subscriber
	kind       sdp.Kind
	mid        string
	offered    sdp.Slot
	accepted   sdp.Accepted
	ready      bool         // the endpoint takes it
	send       bool         // somebody wants it sent
	leg        *forward.Leg // nil of data, and while there is no source
	delay      playoutDelay
	source     *Source            // of audio and video: what is wanted, also while it does not come
	watched    *feed              // that has source, and this slot among its watchers
	moving     bool               // source goes on where it is looked for now
	heard      map[*feed]struct{} // of data: feeds that have this slot as listener
	wanted     []DataSource       // of data: what it was told last to hear, there or not
}

// negotiate makes the slot what the next offer says.
func (s *slot) negotiate(want *SlotRequest, now time.Duration) {
	if s.kind == sdp.Data {
		s.offered = want.SDP
		s.offered.Active = true
		s.set(want, now)
		return
	}
	sent := s.offered.Sent
	renewed := s.leg == nil || s.offered.Codec != want.SDP.Codec
	if want.Source == nil || renewed {
		s.vacate(now)
	}
	last := s.offered.Codec
	s.offered = want.SDP
	if want.Source == nil {
		if s.offered.Codec == "" {
			s.offered.Codec = last // an inactive m= section still names one
		}
		return
	}
	s.offered.Active = !want.Inactive
	s.offered.Sent.SSRC, s.offered.Sent.RTX = sent.SSRC, sent.RTX
	if renewed {
		s.offered.Sent.SSRC, s.offered.Sent.RTX = s.subscriber.peer.newSSRC(), 0
		if _, ok := s.offered.RTXPayloadType(); ok {
			s.offered.Sent.RTX = s.subscriber.peer.newSSRC()
		}
		s.fill()
	}
	s.set(want, now)
}

// fill makes the leg. It flows when the answer is there.
func (s *slot) fill() {
	p := s.subscriber.peer
	s.leg = forward.NewLeg(s.config(&sdp.Accepted{}))
	p.subscribing.legs[s.offered.Sent.SSRC] = &outbound{leg: s.leg, mid: s.mid, video: s.kind == sdp.Video}
}

func (s *slot) config(a *sdp.Accepted) forward.LegConfig {
	p := s.subscriber.peer
	cfg := forward.LegConfig{
		Codec: codec.Parse(s.offered.Codec), SSRC: s.offered.Sent.SSRC, PayloadType: a.PayloadType, RED: a.RED, NACK: a.NACK,
		Extensions: a.IDs, MID: s.mid,
		Sender: p, Observer: &layerObserver{peer: p, mid: s.mid, codec: s.offered.Codec},
	}
	if a.RTX != 0 {
		cfg.RTXSSRC, cfg.RTXPayloadType = s.offered.Sent.RTX, a.RTX
	}
	return cfg
}

// answered takes what the endpoint says.
func (s *slot) answered(a *sdp.Accepted, now time.Duration) {
	s.ready, s.accepted = a.Ready, *a
	switch {
	case s.kind == sdp.Data && a.Ready:
		s.subscriber.peer.conn.AllowData()
	case s.leg != nil && a.Ready:
		s.leg.Reconfigure(s.config(a))
	}
	s.flow(now)
}

// set takes what may change without SDP: source, send, layers and delays.
func (s *slot) set(want *SlotRequest, now time.Duration) {
	s.send = want.Send
	if s.kind == sdp.Data {
		s.listen(want.Data)
		return
	}
	if s.leg == nil {
		return // inactive until the next offer
	}
	s.watch(want.Source)
	s.connect(now)
	s.leg.SetTargets(want.Targets, now)
	s.setDelay(want.MinDelay, want.MaxDelay)
}

// setDelay overrides the playout delay with these bounds, as far as they are said.
func (s *slot) setDelay(least, most *int32) {
	s.delay = playoutDelay{}
	s.delay.set(least, most)
	s.leg.SetPlayoutDelay(s.delay.value())
}

// watch makes source what the slot wants, from now on.
func (s *slot) watch(source *Source) {
	if source == nil {
		s.follow(nil, nil)
		return
	}
	s.follow(source, s.subscriber.peer.shard.feed(source.Feed, source.Node))
}

// find is watch, where the source may be of the slot's own peer, which is on its way here.
func (s *slot) find(source *Source) {
	if own := &s.subscriber.peer.publishing.feed; source != nil && source.Feed != "" && source.Feed == own.id {
		s.follow(source, own)
		return
	}
	s.watch(source)
}

// follow is watch, of the feed that has source, nil if nobody has it.
func (s *slot) follow(source *Source, f *feed) {
	last := s.watched
	s.moving = s.moving && source != nil && s.source != nil && source.Feed == s.source.Feed && source.MID == s.source.MID
	s.source, s.watched = source, f
	if f != nil {
		f.watchers[s] = struct{}{}
	}
	if last != nil && last != s.watched { // only now: a mirror that is wanted still stays
		last.unwatch(s)
	}
}

// connect takes the leg to the stream that is wanted, or to nothing: it may have left, be inactive for now, or have a
// codec that takes another offer.
func (s *slot) connect(now time.Duration) {
	var stream *forward.Stream
	if s.watched != nil {
		stream = s.watched.streams.find(s.source.MID, s.offered.Codec)
	}
	switch {
	case s.moving:
		s.leg.Move(stream, now)
		s.moving = stream == nil
	case stream == nil:
		s.leg.Disconnect(now)
	case s.leg.Source() != stream:
		s.leg.Connect(stream, now)
	}
}

// listen makes the slot hear the messages of exactly these feeds.
func (s *slot) listen(sources []DataSource) {
	s.wanted = sources
	feeds := map[*feed]string{}
	for _, d := range sources {
		if f := s.subscriber.peer.shard.feed(d.Feed, d.Node); f != nil {
			feeds[f] = d.Label
		}
	}
	s.hear(feeds)
}

// misses tells whether a feed is to be heard, and is not.
func (s *slot) misses(id FeedID) bool {
	for f := range s.heard {
		if f.id == id {
			return false
		}
	}
	return slices.ContainsFunc(s.wanted, func(d DataSource) bool { return d.Feed == id })
}

// hear is listen, of feeds with the labels of their channels.
func (s *slot) hear(feeds map[*feed]string) {
	last := s.heard
	s.heard = map[*feed]struct{}{}
	for f, label := range feeds {
		f.listen(s, label)
		s.heard[f] = struct{}{}
	}
	for f := range last {
		if _, still := s.heard[f]; !still {
			f.unlisten(s)
		}
	}
}

// deafen and blind are for a feed that ends.
func (s *slot) deafen(f *feed) { delete(s.heard, f) }

func (s *slot) blind() { s.source, s.watched = nil, nil }

// watchAt and hearAt are for a feed that goes on on another node, or has come here from there.
func (s *slot) watchAt(node string, now time.Duration) {
	source := *s.source
	source.Node, s.watched, s.moving = node, nil, true
	s.watch(&source)
	s.connect(now)
}

func (s *slot) hearAt(node string, id FeedID, label string) {
	if f := s.subscriber.peer.shard.feed(id, node); f != nil {
		s.heard[f] = struct{}{}
		f.listen(s, label)
	}
}

// flowing reports whether all agree that the slot's media goes out.
func (s *slot) flowing() bool {
	p := s.subscriber.peer
	return s.ready && s.send && !s.subscriber.paused && p.up && !p.bounded && !p.shard.quiet
}

// flow sees what flows now. Of a peer that another node serves still nothing does, but what is expected goes on to be.
func (s *slot) flow(now time.Duration) {
	if s.leg != nil && s.subscriber.peer.taking == nil {
		s.leg.SetFlowing(s.flowing(), now)
	}
}

// vacate takes the slot's source away; its SSRCs are not used again.
func (s *slot) vacate(now time.Duration) {
	s.listen(nil)
	s.watch(nil)
	s.ready = false
	if s.leg == nil {
		return
	}
	s.leg.SetFlowing(false, now)
	s.leg.Disconnect(now)
	s.subscriber.drop(s.offered.Sent.SSRC)
	s.leg = nil
}
