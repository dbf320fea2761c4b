package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// Party is one of the two endpoints of a call.
type Party struct {
	Peer     PeerID
	OpaqueID string // of the handle
	Feed     FeedID // what it sends
}

// PassedOffer is the offer of one endpoint of a call, for the other.
type PassedOffer struct {
	ID             string // of the command; a repeat has the same
	From, To       Party
	SDP            string
	LowestRIDFirst bool
	E2EE           bool
}

// PassedAnswer is the answer to the last one.
type PassedAnswer struct {
	ID             string
	From, To       PeerID
	SDP            string
	LowestRIDFirst bool
	E2EE           bool
}

// AgreedCall is what the endpoint that offered is told, and what each of the two sends.
type AgreedCall struct {
	SDP      string
	From, To []Published // one for each m= section, in order
}

// passing is a negotiation between two endpoints that waits for its answer.
type passing struct {
	said  *sdp.Description // by this endpoint; nil if the offer was not its own
	heard *sdp.Description // by this endpoint, of the other one
}

// PassOffer makes the offer of one endpoint one of ours to another: each has a peer here, with which it negotiates in the
// place of the other. It takes the place of an earlier offer that has no answer yet, whoever made it.
func (n *Node) PassOffer(ctx context.Context, o PassedOffer) (string, error) {
	offer, err := sdp.Parse(o.SDP)
	if err != nil {
		return "", invalidSDP(err)
	}
	sh := n.shard(o.From.Peer.Handle)
	err = sh.run(ctx, func(now time.Duration) error {
		p, err := sh.open(o.From.Peer, now)
		if err != nil {
			return err
		}
		if _, ok := recall[*sdp.Description](&p.done, o.ID); ok {
			return nil // it may have been answered since
		}
		if err := p.says(&o, offer); err != nil {
			p.undo(now)
			return err
		}
		p.done.put(o.ID, offer)
		return nil
	})
	if err != nil {
		return "", err
	}
	to := n.shard(o.To.Peer.Handle)
	return do(ctx, to, func(now time.Duration) (string, error) {
		p, err := to.open(o.To.Peer, now)
		if err != nil {
			return "", err
		}
		if told, ok := recall[string](&p.done, o.ID); ok {
			return told, nil
		}
		told, err := p.hears(&o, offer, now)
		if err != nil {
			p.undo(now)
			return "", err
		}
		p.done.put(o.ID, told)
		return told, nil
	})
}

// says takes what the endpoint offers, until the other one has answered.
func (p *peer) says(o *PassedOffer, offer *sdp.Description) error {
	if err := p.publishing.check(sectionsOf(offer)); err != nil {
		return err
	}
	if err := p.publishing.register(o.From.Feed); err != nil {
		return err
	}
	p.opaqueID = o.From.OpaqueID
	if p.conn.Started() && offer.Ufrag != p.ufrag {
		p.restartICE()
	}
	p.publishing.lowestFirst, p.publishing.terms.E2EE = o.LowestRIDFirst, o.E2EE
	p.passing = passing{said: offer}
	p.sdps.remote = o.SDP
	return nil
}

// hears makes the offer to this endpoint.
func (p *peer) hears(o *PassedOffer, offer *sdp.Description, now time.Duration) (string, error) {
	if err := p.publishing.check(sectionsOf(offer)); err != nil {
		return "", err
	}
	if err := p.publishing.register(o.To.Feed); err != nil {
		return "", err
	}
	p.opaqueID = o.To.OpaqueID
	p.passing = passing{heard: offer}
	sections := sdp.Pass(offer)
	p.sdps.local = sdp.Relay(p.local("actpass", ""), sections, p.subscribing.announce(sections, now))
	p.log.Info("offer passed on", "sections", len(sections))
	return p.sdps.local, nil
}

// sectionsOf are the m= sections of a description, as check wants them.
func sectionsOf(d *sdp.Description) []sdp.Stream {
	var all []sdp.Stream
	for i := range d.Sections {
		all = append(all, sdp.Stream{Kind: d.Sections[i].Kind, MID: d.Sections[i].MID})
	}
	return all
}

// answered is what an answer has come to, as it goes from one shard to the other.
type answered struct {
	offer *sdp.Description
	*sdp.Agreement
	from []Published
	feed FeedID
}

// PassAnswer completes a call's negotiation, for both of its peers.
func (n *Node) PassAnswer(ctx context.Context, a PassedAnswer) (AgreedCall, error) {
	answer, err := sdp.ParseAnswer(a.SDP)
	if err != nil {
		return AgreedCall{}, invalidSDP(err)
	}
	to, err := n.feedOf(ctx, a.To)
	if err != nil {
		return AgreedCall{}, err
	}
	sh := n.shard(a.From.Handle)
	agreed, err := do(ctx, sh, func(now time.Duration) (answered, error) {
		p, err := sh.find(a.From)
		if err != nil {
			return answered{}, err
		}
		if again, ok := recall[answered](&p.done, a.ID); ok {
			return again, nil
		}
		agreed, err := p.answers(&a, answer, to, now)
		if err != nil {
			return answered{}, err
		}
		p.done.put(a.ID, agreed)
		return agreed, nil
	})
	if err != nil {
		return AgreedCall{}, err
	}
	toShard := n.shard(a.To.Handle)
	return do(ctx, toShard, func(now time.Duration) (AgreedCall, error) {
		p, err := toShard.find(a.To)
		if err != nil {
			return AgreedCall{}, err
		}
		if again, ok := recall[AgreedCall](&p.done, a.ID); ok {
			return again, nil
		}
		call, err := p.isAnswered(&agreed, now)
		if err != nil {
			return AgreedCall{}, err
		}
		p.done.put(a.ID, call)
		return call, nil
	})
}

// feedOf returns the name of what a peer sends.
func (n *Node) feedOf(ctx context.Context, id PeerID) (FeedID, error) {
	sh := n.shard(id.Handle)
	return do(ctx, sh, func(time.Duration) (FeedID, error) {
		p, err := sh.find(id)
		if err != nil {
			return "", err
		}
		return p.publishing.id, nil
	})
}

// answers takes the endpoint's answer to what it has heard.
func (p *peer) answers(a *PassedAnswer, answer *sdp.Description, other FeedID, now time.Duration) (answered, error) {
	offer := p.passing.heard
	if offer == nil {
		return answered{}, fault.New(fault.UnexpectedAnswer, nil)
	}
	agreement, err := sdp.Agree(offer, answer)
	if err != nil {
		return answered{}, invalidSDP(err)
	}
	p.passing, p.sdps.remote = passing{}, a.SDP
	p.publishing.lowestFirst, p.publishing.terms.E2EE = a.LowestRIDFirst, a.E2EE
	p.converse(answer, agreement.Answerer, mirrored(offer, answer), other, now)
	p.log.Info("answer passed on")
	return answered{offer, agreement, p.publishing.published(), p.publishing.id}, nil
}

// mirrored are the names of the streams that an endpoint gets, as the other one has given them.
func mirrored(from, to *sdp.Description) []string {
	var all []string
	for i := range to.Sections {
		all = append(all, msid(from.Sections[i].MSID, to.Sections[i].MID))
	}
	return all
}

// isAnswered takes the answer to what this endpoint has said.
func (p *peer) isAnswered(a *answered, now time.Duration) (AgreedCall, error) {
	if p.passing.said != a.offer {
		return AgreedCall{}, fault.New(fault.WrongState, errors.New("another offer has come"))
	}
	p.passing = passing{}
	var names []string
	for i := range a.Answer {
		names = append(names, msid(a.Answer[i].MSID, a.Answer[i].MID))
	}
	sent := p.converse(a.offer, a.Offerer, names, a.feed, now)
	p.sdps.local = sdp.Relay(p.local(p.publishing.setup(), ""), a.Answer, sent)
	return AgreedCall{SDP: p.sdps.local, From: a.from, To: p.publishing.published()}, nil
}

// converse makes both halves of the peer what was agreed: remote is what its endpoint has said, other the feed of the other
// one, whose streams have these names.
func (p *peer) converse(remote *sdp.Description, agreed []sdp.Taken, names []string, other FeedID, now time.Duration) []sdp.Sent {
	p.start(remote, now)
	streams, sections := make([]sdp.Stream, len(agreed)), make([]shared, len(agreed))
	for i := range agreed {
		t := &agreed[i]
		streams[i] = t.Stream
		t.Out.MID = t.MID
		sections[i] = shared{
			kind: t.Kind, codec: t.Format.Codec, out: t.Out, msid: names[i], source: Source{Feed: other, MID: t.MID},
		}
	}
	p.publishing.take(streams, now)
	p.publishing.record(now)
	return p.subscribing.share(sections, now)
}

// start begins to connect to an endpoint, or notes its new credentials.
func (p *peer) start(remote *sdp.Description, now time.Duration) {
	if !p.conn.Started() {
		p.client = remote.Setup == "passive"
		p.conn.Start(sdpRemote(remote, p.client), now)
	}
	p.ufrag = remote.Ufrag
	p.connects()
}

// published is what is taken of each m= section.
func (pub *publisher) published() []Published {
	all := make([]Published, 0, len(pub.offered))
	for i, s := range slices.All(pub.offered) {
		in := pub.streams[i]
		all = append(all, Published{Stream: s, SVC: in != nil && svc(&in.agreed)})
	}
	return all
}
