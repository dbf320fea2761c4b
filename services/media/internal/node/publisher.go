package node

import (
	"context"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// publisher is the half of a peer that sends to us.
type publisher struct {
	feed        // its id is empty if nobody can subscribe
	peer        *peer
	taps        taps
	offered     []sdp.Stream
	streams     []*inbound // one for each m= section; nil for data and for those without media
	routes      map[uint32]route
	ids         packet.ExtensionIDs // of all m= sections: BUNDLE makes them one space (RFC 9143, section 9)
	lowestFirst bool
	terms       Terms
	clock       forward.PublisherClock
	twcc        feedback.TWCC
	cap         feedback.Cap
	bitrate     uint64 // bits a second, 0 for no cap
	echo        *Echo
	streamsMade uint32 // the last stream's number
	muted       bool   // its messages are not relayed
	recorded    recorded
	forwarding  forwarding
	remote      *remoteSource // nil of a PeerConnection
}

// route is where an SSRC leads.
type route struct {
	in    *inbound
	layer int
	rtx   bool
}

// Terms are what is agreed with a publisher beside its SDP.
type Terms struct {
	E2EE          bool
	KeyframeEvery uint32 // seconds; 0 for never
	Talk          forward.Talk
	Audience      string // whose loudest speakers are heard, and how many; 0 for all
	Loudest       uint32
}

func (pub *publisher) begin(p *peer) {
	pub.peer = p
	pub.routes = map[uint32]route{}
	pub.init(pub)
}

// AcceptOffer answers an endpoint's offer. The first makes the peer; others renegotiate.
func (n *Node) AcceptOffer(ctx context.Context, o OfferRequest) (OfferAnswer, error) {
	offer, err := sdp.Parse(o.SDP)
	if err != nil {
		return OfferAnswer{}, invalidSDP(err)
	}
	o.Rules.Echo = o.Echo != nil
	o.Rules.OpusRED = o.Rules.OpusRED && !o.E2EE // what is encrypted end to end cannot be taken apart
	sh := n.shard(o.Peer.Handle)
	return do(ctx, sh, func(now time.Duration) (OfferAnswer, error) {
		p, err := sh.open(o.Peer, now)
		if err != nil {
			return OfferAnswer{}, err
		}
		if answer, ok := recall[OfferAnswer](&p.done, o.ID); ok {
			return answer, nil
		}
		p.opaqueID = o.OpaqueID
		answer, err := p.publishing.accept(&o, offer, now)
		if err != nil {
			p.undo(now)
			return OfferAnswer{}, err
		}
		p.sdps = sdps{local: answer.SDP, remote: o.SDP}
		p.keeping.due = 0
		p.done.put(o.ID, answer)
		return answer, nil
	})
}

// accept takes an offer. An endpoint that gets back what it sends has asked for its codecs each time.
func (pub *publisher) accept(o *OfferRequest, offer *sdp.Description, now time.Duration) (OfferAnswer, error) {
	p, before := pub.peer, pub.offered
	if o.Echo != nil {
		before = nil
	}
	streams := sdp.Choose(offer, &o.Rules, before)
	if err := pub.check(streams); err != nil {
		return OfferAnswer{}, err
	}
	if err := pub.register(o.Feed); err != nil {
		return OfferAnswer{}, err
	}
	if p.conn.Started() && offer.Ufrag != p.ufrag {
		p.restartICE()
	}
	p.start(offer, now)
	pub.lowestFirst, pub.echo = o.LowestRIDFirst, o.Echo
	pub.terms = Terms{E2EE: o.E2EE, KeyframeEvery: o.KeyframeEvery, Talk: o.Talk, Audience: o.Audience, Loudest: o.Loudest}
	pub.setBitrate(o.Bitrate, now)
	pub.take(streams, now)
	sent := make([]sdp.Sent, len(streams))
	if pub.echo != nil {
		sent = p.echoes(streams, now)
	}
	pub.setRecording(o.Recording, now)
	pub.record(now)

	answer := OfferAnswer{SDP: sdp.Answer(p.local(pub.setup(), o.SessionName), streams, sent), Streams: pub.published()}
	p.log.Info("offer accepted", "feed", o.Feed, "sections", len(streams))
	return answer, nil
}

func (pub *publisher) setup() string {
	if pub.peer.client {
		return "active"
	}
	return "passive"
}

// check sees that m= sections stay what they were. One that was rejected, by whichever side, may be recycled for
// something else (RFC 9429, section 5.2.2).
func (pub *publisher) check(streams []sdp.Stream) error {
	if len(streams) < len(pub.offered) {
		return fault.Newf(fault.InvalidSDP, "%d m= sections after %d", len(streams), len(pub.offered))
	}
	for i := range pub.offered {
		if was := &pub.offered[i]; !was.Refused && (was.Kind != streams[i].Kind || was.MID != streams[i].MID) {
			return fault.Newf(fault.InvalidSDP, "m= section %d changed from %s %s", i, was.Kind, was.MID)
		}
	}
	return nil
}

// register makes the feed known under its name.
func (pub *publisher) register(id FeedID) error {
	feeds, known := pub.peer.shard.feeds, &pub.peer.node.known
	if id != "" {
		if err := known.register(id, pub); err != nil {
			return err
		}
	}
	if pub.id != id && pub.id != "" {
		delete(feeds, pub.id)
		known.remove(pub.id, pub, "")
	}
	if pub.id = id; id != "" {
		feeds[id] = pub
	}
	return nil
}

// take makes what comes in be what was agreed.
func (pub *publisher) take(streams []sdp.Stream, now time.Duration) {
	inbounds := make([]*inbound, len(streams))
	copy(inbounds, pub.streams)
	pub.ids = packet.ExtensionIDs{}
	for i := range streams {
		s := &streams[i]
		if s.Kind == sdp.Data {
			if !s.Refused && pub.remote == nil {
				pub.peer.conn.AllowData()
			}
			continue
		}
		in := inbounds[i]
		if in != nil && !in.continues(s) {
			in.park(i, now)
			in.close(now)
			in, inbounds[i] = nil, nil
		}
		if s.Disabled() {
			continue
		}
		if in == nil {
			in = newInbound(pub, s, pub.terms, now)
			inbounds[i] = in
		}
		in.update(s)
		in.stream.SetTalk(pub.terms.Talk)
		merge(&pub.ids, &s.IDs)
	}
	pub.streams, pub.offered = inbounds, streams
	pub.peer.node.known.list(pub)
	for _, r := range pub.forwarding.remotes {
		pub.follow(r)
	}
	for s := range pub.watchers {
		s.connect(now) // what was inactive is back, or has another codec
	}
	for _, m := range pub.taps.mirrors {
		m.describe(pub)
	}
	for _, r := range pub.taps.relays {
		r.describe()
	}
}

// continues reports whether s is the same stream as before.
func (in *inbound) continues(s *sdp.Stream) bool {
	return !s.Disabled() && s.Format.Codec == in.agreed.Format.Codec && s.Simulcast == in.agreed.Simulcast &&
		len(s.RIDs) == len(in.agreed.RIDs)
}

// merge takes over the numbers that from has and into lacks.
func merge(into, from *packet.ExtensionIDs) {
	for _, pair := range []struct {
		into *uint8
		from uint8
	}{
		{&into.AudioLevel, from.AudioLevel}, {&into.AbsSendTime, from.AbsSendTime}, {&into.TransportCC, from.TransportCC},
		{&into.MID, from.MID}, {&into.RID, from.RID}, {&into.RepairedRID, from.RepairedRID},
		{&into.AbsCaptureTime, from.AbsCaptureTime}, {&into.PlayoutDelay, from.PlayoutDelay},
		{&into.VideoOrientation, from.VideoOrientation}, {&into.DependencyDescriptor, from.DependencyDescriptor},
	} {
		if *pair.into == 0 {
			*pair.into = pair.from
		}
	}
}

// receive takes a packet to its stream.
func (pub *publisher) receive(p *packet.Packet, now time.Duration) {
	if p.Ext.Present.Has(packet.HasTransportCC) {
		pub.recordArrival(p.Ext.TransportSeq, now)
	}
	r, ok := pub.routes[p.SSRC]
	if !ok {
		if r, ok = pub.identify(p); !ok {
			return
		}
	}
	if r.in.video() {
		pub.capOnPacket(now)
	}
	r.in.receive(r, p)
}

// identify finds the m= section of an unknown SSRC by the mid that the packet says, or else, of those whose packets say none, by
// the rid.
func (pub *publisher) identify(p *packet.Packet) (route, bool) {
	said := p.Ext.Present.Has(packet.HasMID)
	for _, in := range pub.streams {
		switch {
		case in == nil:
		case said && in.agreed.MID == string(p.Ext.MID):
			return in.identify(p)
		case !said && in.agreed.IDs.MID == 0 && len(in.agreed.RIDs) > 0:
			if r, ok := in.identify(p); ok {
				return r, true
			}
		}
	}
	return route{}, false
}

// stream finds one by its mid.
func (pub *publisher) stream(mid string) *inbound {
	for _, in := range pub.streams {
		if in != nil && in.agreed.MID == mid {
			return in
		}
	}
	return nil
}

// find is of finder.
func (pub *publisher) find(mid, codec string) *forward.Stream {
	if in := pub.stream(mid); in != nil && in.agreed.Format.Codec == codec {
		return in.stream
	}
	return nil
}

// unused and heard are of finder.
func (pub *publisher) unused() {}
func (pub *publisher) heard()  {}

// tapped, descriptions, numbered, wants and untapped are of source.
func (pub *publisher) tapped() *taps { return &pub.taps }

func (pub *publisher) descriptions() (all []description) {
	for _, in := range pub.streams {
		if in != nil {
			all = append(all, description{in.number, in.agreed.MID, in.agreed.Format.Codec, in.stream.Config()})
		}
	}
	return all
}

func (pub *publisher) numbered(number uint32) *flow {
	for _, in := range pub.streams {
		if in != nil && in.number == number {
			return &in.flow
		}
	}
	return nil
}

func (pub *publisher) wants(*mirror, uint32, mirrorWants) {}
func (pub *publisher) untapped()                          {}

// UpdatePublisher sets what is taken from a publisher.
func (n *Node) UpdatePublisher(ctx context.Context, u PublisherUpdate) error {
	sh := n.shard(u.Peer.Handle)
	return sh.run(ctx, func(now time.Duration) error {
		p, err := sh.find(u.Peer)
		if err != nil {
			return err
		}
		p.publishing.apply(&u, now)
		return nil
	})
}

func (pub *publisher) apply(u *PublisherUpdate, now time.Duration) {
	if u.Bitrate != nil {
		pub.setBitrate(*u.Bitrate, now)
	}
	if u.Echo != nil && pub.echo != nil {
		pub.echo = u.Echo
		pub.peer.setEcho(now)
	}
	if u.Talk != nil {
		pub.terms.Talk = *u.Talk
		for _, in := range pub.streams {
			if in != nil {
				in.stream.SetTalk(*u.Talk)
			}
		}
	}
	for i := range u.Streams {
		if in := pub.stream(u.Streams[i].MID); in != nil {
			in.apply(&u.Streams[i], now)
		} else if u.Streams[i].Relay != nil && pub.carriesData(u.Streams[i].MID) {
			pub.muted = !*u.Streams[i].Relay
		}
	}
	pub.setRecording(u.Recording, now)
}

func (in *inbound) apply(u *StreamUpdate, now time.Duration) {
	if u.Relay != nil {
		in.stream.SetRelay(*u.Relay, now)
	}
	if u.MinDelay != nil || u.MaxDelay != nil {
		in.delay.set(u.MinDelay, u.MaxDelay)
		in.stream.SetPlayoutDelay(in.delay.value())
	}
	if u.Keyframe {
		in.stream.RequestKeyframe(now)
	}
}

func (pub *publisher) close(now time.Duration) {
	pub.stopRecording(now)
	pub.endForwards(nil, now)
	to := pub.peer.movedTo
	if pub.id != "" { // first, so that slots look for it elsewhere
		delete(pub.peer.shard.feeds, pub.id)
		pub.peer.node.known.remove(pub.id, pub, to)
	}
	if to != "" { // as long as legs are connected still
		pub.end(to, now)
	}
	for _, in := range pub.streams {
		if in != nil {
			in.close(now)
		}
	}
	for _, r := range pub.forwarding.remotes {
		pub.endRemotization(r)
	}
	if pub.remote != nil {
		pub.remote.port.Close()
	}
	pub.streams = nil
	pub.end("", now)
	pub.taps.end(to, now)
}
