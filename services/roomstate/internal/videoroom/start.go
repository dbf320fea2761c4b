package videoroom

import (
	"slices"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
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
	f := do(d, s)
	switch {
	case f != nil && answered:
		// What it came with is refused; the node has taken the answer, and is not asked for another.
		d.undo()
		if s = d.ownSubscriber(d.subscribers[d.me()]); !d.takeAnswer(s) {
			return nil
		}
		d.reply(f, nil)
	case f != nil:
		return f
	}
	if answered && d.subscribers[s.handle] != nil && !s.Offered && (s.Changed || s.Restart) && s.Peer != nil {
		d.offerWaiting(s)
	}
	return nil
}

// onNothing runs a request of a subscriber whose room is gone, which Janus answers as it does one that has left. Nothing is kept
// of it.
func (d *draft) onNothing(do func(d *draft, s *subscriber) *failure) *failure {
	s := &subscriber{handle: d.me()}
	d.publishers, d.subscribers = nil, map[plugin.HandleID]*subscriber{s.handle: s}
	f := d.onSubscription(s, do)
	next := *d.before
	d.Room, d.touched = &next, map[string]bool{}
	return f
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

// leaveSubscription ends it. The handle stays a subscriber, of nothing: what it subscribes to next is offered anew, where Janus
// says "updating" for ever.
func (d *draft) leaveSubscription(s *subscriber) *failure {
	d.reply(startedView{VideoRoom: "event", Room: d.id, Left: "ok"}, nil)
	if s.Peer != nil {
		d.Close(s.handle, s.Peer, closePC, false)
		d.lose(s)
	}
	s.Slots, s.E2EE, s.Paused = nil, false, false
	return nil
}
