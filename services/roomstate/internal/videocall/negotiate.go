package videocall

import (
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// ask asks the node of a call something about both of its peers. It returns nil if the turn has ended.
func (d *draft) ask(other plugin.HandleID, q plugin.Question) *plugin.Answer {
	me, with := d.user(d.me()), d.user(other)
	if d.Failure = apart(me.Peer, with.Peer); d.Failure != nil {
		return nil
	}
	q.Node, q.Handle, q.Told, q.Other, q.OtherTold = me.Peer.Node, d.me(), me.Peer.Told, other, with.Peer.Told
	got, ok := d.Ask(q)
	if !ok {
		return nil
	}
	if got.Err != nil {
		d.Failure = got.Err
		return nil
	}
	for _, id := range []plugin.HandleID{d.me(), other} {
		u := d.user(id)
		if u.Peer.Told == 0 {
			d.Made = append(d.Made, peerKey(id, u.Peer))
		}
		told := *u.Peer
		told.Told++
		u.Peer = &told
		d.put(id, u)
	}
	return &got
}

// passOffer returns what the command's offer is to the other party, nil if the turn has ended.
func (d *draft) passOffer(to plugin.HandleID) *busv1.Jsep {
	jsep, me, other := d.jsep(), d.user(d.me()), d.user(to)
	got := d.ask(to, plugin.Question{Request: &mediav1.PassOfferRequest{
		From: party(d.me(), me), To: party(to, other),
		Sdp: jsep.GetSdp(), LowestRidFirst: jsep.GetLowestRidFirst(), E2Ee: jsep.GetE2Ee(),
	}})
	if got == nil {
		return nil
	}
	d.inCall(d.me(), func(c *call) { c.Asked = false })
	d.inCall(to, func(c *call) { c.Asked = true })
	passed, _ := got.Response.(*mediav1.PassOfferResponse)
	return &busv1.Jsep{Type: "offer", Sdp: passed.GetSdp(), E2Ee: jsep.GetE2Ee()}
}

// passAnswer likewise.
func (d *draft) passAnswer(to plugin.HandleID) *busv1.Jsep {
	jsep, me, other := d.jsep(), d.user(d.me()), d.user(to)
	got := d.ask(to, plugin.Question{Request: &mediav1.PassAnswerRequest{
		From: peerID(d.me(), me.Peer), To: peerID(to, other.Peer),
		Sdp: jsep.GetSdp(), LowestRidFirst: jsep.GetLowestRidFirst(), E2Ee: jsep.GetE2Ee(),
	}})
	if got == nil {
		return nil
	}
	agreed, _ := got.Response.(*mediav1.PassAnswerResponse)
	for id, streams := range map[plugin.HandleID][]*mediav1.PublishedStream{d.me(): agreed.GetFromStreams(), to: agreed.GetToStreams()} {
		d.inCall(id, func(c *call) {
			c.Accepted, c.Asked, c.Sections = true, false, nil
			for i, s := range streams {
				if s.GetCodec() != "" || s.GetKind() == mediav1.Kind_KIND_DATA {
					c.Sections = append(c.Sections, section{s.GetMid(), s.GetKind(), uint32(i)})
				}
			}
		})
	}
	return &busv1.Jsep{Type: "answer", Sdp: agreed.GetSdp(), E2Ee: jsep.GetE2Ee()}
}

// inCall changes a user's part in its call.
func (d *draft) inCall(id plugin.HandleID, change func(c *call)) {
	u := d.user(id)
	c := *u.Call
	change(&c)
	u.Call = &c
	d.put(id, u)
}

func party(id plugin.HandleID, u user) *mediav1.Party {
	return &mediav1.Party{Peer: peerID(id, u.Peer), Feed: feed(id, u.Peer), OpaqueId: u.OpaqueID}
}
