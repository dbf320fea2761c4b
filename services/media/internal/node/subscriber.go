package node

import (
	"context"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// subscriber is the half of a peer that we send to.
type subscriber struct {
	peer   *peer
	slots  []*slot              // never removed
	legs   map[uint32]*outbound // by SSRC
	open   []sdp.Slot           // the last offer, while it waits for its answer
	paused bool
	shared bool // the endpoint sends in the same m= sections: slots are these

	bandwidth bandwidth
}

// outbound is one leg that sends to a peer.
type outbound struct {
	leg     *forward.Leg
	mid     string
	video   bool
	lost    uint64           // at the last count
	counted forward.LegStats // likewise, of all
	bytes   perSecond
}

func (s *subscriber) init(p *peer) {
	s.peer = p
	s.legs = map[uint32]*outbound{}
	s.bandwidth.subscriber = s
}

// MakeOffer makes an offer whose m= sections are the slots given. The first makes the peer; others renegotiate.
func (n *Node) MakeOffer(ctx context.Context, r SubscribeRequest) (string, error) {
	if len(r.Slots) == 0 || len(r.Slots) > sdp.MaxSections {
		return "", fault.Newf(fault.InvalidSDP, "%d slots", len(r.Slots))
	}
	if err := n.reach(ctx, r.Slots); err != nil {
		return "", err
	}
	sh := n.shard(r.Peer.Handle)
	return do(ctx, sh, func(now time.Duration) (string, error) {
		p, err := sh.open(r.Peer, now)
		if err != nil {
			return "", err
		}
		if offer, ok := recall[string](&p.done, r.ID); ok {
			return offer, nil
		}
		if r.OpaqueID != "" { // others than the handle have offers made too, and do not know it
			p.opaqueID = r.OpaqueID
		}
		offer, err := p.subscribing.offer(&r, now)
		if err != nil {
			p.undo(now)
			return "", err
		}
		p.texts = r.Texts
		p.sdps.local = offer
		p.keeping.due = 0
		p.done.put(r.ID, offer)
		return offer, nil
	})
}

// offer checks everything before it changes anything.
func (s *subscriber) offer(r *SubscribeRequest, now time.Duration) (string, error) {
	if err := s.check(r.Slots); err != nil {
		return "", err
	}
	for i := range r.Slots {
		if i == len(s.slots) {
			s.slots = append(s.slots, &slot{subscriber: s, kind: r.Slots[i].SDP.Kind, mid: r.Slots[i].SDP.MID})
		}
		s.slots[i].negotiate(&r.Slots[i], now)
	}
	if r.ICERestart && s.peer.conn.Started() {
		s.peer.restartICE()
	}
	s.open = make([]sdp.Slot, len(s.slots))
	for i, sl := range s.slots {
		s.open[i] = sl.offered
	}
	s.resume(now)
	return sdp.Offer(s.peer.local("actpass", r.SessionName), s.open), nil
}

func (s *subscriber) check(slots []SlotRequest) error {
	if len(slots) < len(s.slots) {
		return fault.New(fault.WrongState, fmt.Errorf("%d slots after %d", len(slots), len(s.slots)))
	}
	seen := map[string]bool{}
	for i := range slots {
		want := &slots[i]
		if err := want.SDP.Valid(); err != nil {
			return invalidSDP(err)
		}
		if seen[want.SDP.MID] {
			return fault.Newf(fault.InvalidSDP, "mid %q twice", want.SDP.MID)
		}
		seen[want.SDP.MID] = true
		if i < len(s.slots) && (s.slots[i].mid != want.SDP.MID || s.slots[i].kind != want.SDP.Kind) {
			return fault.New(fault.WrongState, fmt.Errorf("slot %d is %s %q", i, s.slots[i].kind, s.slots[i].mid))
		}
		if err := s.peer.node.checkSources(want); err != nil {
			return err
		}
	}
	return nil
}

// checkSources sees that all that a slot wants is here, but for what other nodes have.
func (n *Node) checkSources(want *SlotRequest) error {
	for _, d := range want.Data {
		if n.known.origin(d.Feed) == nil && !n.elsewhere(d.Node) {
			return fault.New(fault.NoSuchFeed, fmt.Errorf("feed %q", d.Feed))
		}
	}
	if s := want.Source; s == nil || n.elsewhere(s.Node) && n.known.origin(s.Feed) == nil {
		return nil
	}
	if want.Source.Feed != "" && !n.known.has(want.Source, want.SDP.Codec) {
		return fault.New(fault.NoSuchFeed, fmt.Errorf("stream %q of feed %q with codec %s", want.Source.MID, want.Source.Feed, want.SDP.Codec))
	}
	return nil
}

// AcceptAnswer completes the last MakeOffer and returns the mids that the endpoint takes. An answer that comes after that one is to
// the same offer: it counts in the place of the one before.
func (n *Node) AcceptAnswer(ctx context.Context, r AnswerRequest) ([]string, error) {
	answer, err := sdp.ParseAnswer(r.SDP)
	if err != nil {
		return nil, invalidSDP(err)
	}
	sh := n.shard(r.Peer.Handle)
	return do(ctx, sh, func(now time.Duration) ([]string, error) {
		p, err := sh.find(r.Peer)
		if err != nil {
			return nil, err
		}
		if ready, ok := recall[[]string](&p.done, r.ID); ok {
			return ready, nil
		}
		ready, err := p.subscribing.accept(answer, now)
		if err != nil {
			return nil, err
		}
		p.sdps.remote = r.SDP
		p.keeping.due = 0
		p.done.put(r.ID, ready)
		return ready, nil
	})
}

func (s *subscriber) accept(answer *sdp.Description, now time.Duration) ([]string, error) {
	offered := s.open
	if offered == nil && !s.shared {
		for _, sl := range s.slots {
			offered = append(offered, sl.offered)
		}
	}
	if offered == nil {
		return nil, fault.New(fault.UnexpectedAnswer, nil)
	}
	accepted, err := sdp.Accept(answer, offered)
	if err != nil {
		return nil, invalidSDP(err)
	}
	s.open = nil
	p := s.peer
	p.start(answer, now)
	ready := []string{}
	for i := range accepted {
		sl := s.slots[i]
		sl.answered(&accepted[i], now)
		if sl.ready {
			ready = append(ready, sl.mid)
		}
	}
	p.log.Info("answer accepted", "ready", len(ready))
	return ready, nil
}

func sdpRemote(d *sdp.Description, client bool) transport.Remote {
	return transport.Remote{Fingerprint: d.Fingerprint, Client: client}
}

// UpdateSubscriber sets what is relayed, without SDP. A slot whose source has just left gets nothing: the rest counts.
func (n *Node) UpdateSubscriber(ctx context.Context, u SubscriberUpdate) error {
	sh := n.shard(u.Peer.Handle)
	return sh.run(ctx, func(now time.Duration) error {
		p, err := sh.find(u.Peer)
		if err != nil {
			return err
		}
		p.subscribing.paused = u.Paused
		for i := range u.Slots {
			if sl := p.subscribing.slot(u.Slots[i].SDP.MID); sl != nil {
				sl.set(&u.Slots[i], now)
			}
		}
		p.subscribing.resume(now)
		return nil
	})
}

func (s *subscriber) slot(mid string) *slot {
	for _, sl := range s.slots {
		if sl.mid == mid {
			return sl
		}
	}
	return nil
}

// resume sees what flows after the peer came up, was paused, or got other settings.
func (s *subscriber) resume(now time.Duration) {
	for _, sl := range s.slots {
		sl.flow(now)
	}
}

// drop forgets a leg, but not what it counted.
func (s *subscriber) drop(ssrc uint32) {
	if out := s.legs[ssrc]; out != nil {
		s.peer.node.tally(out)
		delete(s.legs, ssrc)
		s.bandwidth.legs = s.bandwidth.legs[:0]
	}
}

func (s *subscriber) close(now time.Duration) {
	for _, sl := range s.slots {
		sl.vacate(now)
	}
}
