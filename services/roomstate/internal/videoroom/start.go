package videoroom

import (
	"slices"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

type startedView struct {
	VideoRoom string `json:"videoroom"`
	Room      ID     `json:"room"`
	Started   string `json:"started,omitempty"`
	Paused    string `json:"paused,omitempty"`
	Left      string `json:"left,omitempty"`
}

// onSubscription runs a subscriber's request. An answer that came with it is taken first; what had to wait for that
// answer is offered last.
func (d *draft) onSubscription(s *subscriber, do func(d *draft, s *subscriber) *failure) *failure {
	s = d.ownSubscriber(s)
	switch d.jsepType() {
	case "":
	case "answer":
		if !d.takeAnswer(s) {
			return nil
		}
	case "offer":
		return fail(errSDPType, "Only publishers send offers")
	default:
		return fail(errSDPType, "Unknown SDP type '%s'", d.jsepType())
	}
	answered := d.jsepType() == "answer"
	if f := do(d, s); f != nil {
		return f
	}
	if answered && d.subscribers[s.handle] != nil && !s.Offered && (s.Changed || s.Restart) && s.Peer != nil {
		d.offerWaiting(s)
	}
	return nil
}

// takeAnswer has the node complete its offer. It returns false if the turn has ended.
func (d *draft) takeAnswer(s *subscriber) bool {
	response, ok, err := d.call(s.handle, s.Peer, &mediav1.AcceptAnswerRequest{
		Peer: peerID(s.handle, s.Peer), Sdp: d.Command.GetMessage().GetJsep().GetSdp(),
	})
	if !ok {
		return false
	}
	if err != nil {
		d.Failure = refused(err)
		if fault.Of(err) == fault.UnexpectedAnswer {
			d.Failure = fault.Newf(fault.UnexpectedAnswer, "Unexpected ANSWER (did we offer?)")
		}
		return false
	}
	accepted, _ := response.(*mediav1.AcceptAnswerResponse)
	for i := range s.Slots {
		sl := &s.Slots[i]
		sl.Ready = sl.Ready || slices.Contains(accepted.GetReady(), sl.Mid)
	}
	s.Peer.Told++
	s.Offered = false
	return true
}

// start answers an offer, or resumes what was paused.
func (d *draft) start(s *subscriber) *failure {
	if s.Paused {
		s.Paused = false
		if f := d.inform(s); f != nil {
			return f
		}
	}
	d.reply(startedView{VideoRoom: "event", Room: d.id, Started: "ok"}, nil)
	return nil
}

// pause has nothing relayed until start.
func (d *draft) pause(s *subscriber) *failure {
	s.Paused = true
	if f := d.inform(s); f != nil {
		return f
	}
	d.reply(startedView{VideoRoom: "event", Room: d.id, Paused: "ok"}, nil)
	return nil
}

// leaveSubscription ends it. The handle can only be detached then.
func (d *draft) leaveSubscription(s *subscriber) *failure {
	d.reply(startedView{VideoRoom: "event", Room: d.id, Left: "ok"}, nil)
	if s.Peer != nil {
		d.parted(s.handle, s.Peer)
		d.Close(s.handle, s.Peer, closePC, false)
	}
	d.removeSubscriber(s)
	return nil
}
