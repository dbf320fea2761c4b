package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// How long the last word of the node that had a peer is waited for, in all, for one answer, and before it is asked for again.
const (
	takeOverTime  = 2 * time.Second
	takeOverTry   = 500 * time.Millisecond
	takeOverPause = 50 * time.Millisecond
)

// heldFor is how long messages to an endpoint wait that may go to another node soon: what was sent before is there by then, and what waits
// goes along. Chromium takes 150 to 300 ms to go.
const heldFor = 2 * time.Second

// Origin is the node that has a peer which is to go on here.
type Origin interface {
	// Export returns the peer's state. With leaveAt, the peer ends there, if its version is that still.
	Export(ctx context.Context, id PeerID, leaveAt *uint64) (*State, error)
	// Dead says that the node is: what is here is a value that another one has kept.
	Dead() bool
	Close() error
}

// ExportPeer returns a peer's state. With leaveAt, the version of the last state given, the peer ends here without a
// word to anybody, but that its feed is told to be on the node to from then on. Asked again with the same, for its answer may be
// lost, it says the same, for a minute; two nodes would send under one key.
func (n *Node) ExportPeer(ctx context.Context, id PeerID, leaveAt *uint64, to string) (*State, error) {
	sh := n.shard(id.Handle)
	return do(ctx, sh, func(now time.Duration) (*State, error) {
		p, err := sh.find(id)
		if err != nil {
			gone := sh.gone[id.Handle]
			if last := gone.left; last != nil && leaveAt != nil && last.Peer == id && last.Version == *leaveAt && gone.to == to {
				return last, nil
			}
			return nil, err
		}
		state, err := p.export()
		if err == nil && leaveAt == nil {
			p.conn.HoldData(true)
			p.held.Set(now + heldFor)
		}
		if err != nil || leaveAt == nil {
			return state, err
		}
		if *leaveAt != state.Version {
			return nil, fault.New(fault.WrongState, fmt.Errorf("version is %d, not %d", state.Version, *leaveAt))
		}
		p.log.Info("peer leaves for another node")
		p.conn.Withdraw(&state.Transport)
		p.conn.Leave()
		p.movedTo = to
		p.release(now)
		sh.gone[id.Handle] = generation{number: id.Generation, at: now, left: state, to: to}
		return state, nil
	})
}

// TakePeer makes a peer that origin, the node at from, has ready to go on here, and returns the candidates that lead here. When
// the endpoint has chosen one, origin is told to let go; then comes Moved, or, if it does not come to that, NotMoved. Asked for a
// peer that is here already, or is on its way, it says the same again. TakePeer closes origin when it is no longer needed.
func (n *Node) TakePeer(ctx context.Context, id PeerID, from string, origin Origin) (candidates []string, err error) {
	keep := false
	defer func() {
		if !keep {
			err = errors.Join(err, origin.Close())
		}
	}()
	sh := n.shard(id.Handle)
	candidates, err = do(ctx, sh, func(time.Duration) ([]string, error) {
		if p := sh.peers[id.Handle]; p != nil && p.id == id {
			return p.conn.Candidates(), nil
		}
		return nil, nil
	})
	if err != nil || candidates != nil {
		return candidates, err
	}
	state, err := origin.Export(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	if state.Peer != id {
		return nil, fault.New(fault.WrongState, fmt.Errorf("state is of %v", state.Peer))
	}
	if err := n.admitOutputs(ctx, &state.Publishing.Outputs, origin.Dead()); err != nil {
		return nil, err
	}
	state.at(from)
	candidates, err = do(ctx, sh, func(now time.Duration) ([]string, error) {
		p, err := sh.adopt(state, origin, now)
		if err != nil {
			return nil, err
		}
		return p.conn.Candidates(), nil
	})
	keep = err == nil
	return candidates, err
}

// adopt makes a peer from its state. It receives from now on, and sends when origin has let go.
func (sh *shard) adopt(s *State, origin Origin, now time.Duration) (*peer, error) {
	if sh.peers[s.Peer.Handle] != nil {
		return nil, fault.New(fault.WrongState, errors.New("a peer of this handle is here"))
	}
	if s.Publishing.Feed != "" && sh.node.known.origin(s.Publishing.Feed) != nil {
		return nil, fault.New(fault.WrongState, fmt.Errorf("feed %q is here", s.Publishing.Feed))
	}
	if err := sh.node.admit(); err != nil {
		return nil, err
	}
	p := makePeer(sh, s.Peer)
	p.opaqueID, p.times, p.progress, p.texts = s.OpaqueID, s.Times, reached, s.Texts
	p.origin, p.version, p.client, p.ufrag, p.rtcp.ssrc = s.Origin, s.Version, s.Client, s.Ufrag, s.ReportSSRC
	for _, ssrc := range s.SSRCs {
		p.ssrcs[ssrc] = struct{}{}
	}
	p.taking = origin
	var err error
	if p.conn, err = sh.worker.Adopt(p, s.Transport, func() { sh.takeOver(p) }, p.log); err != nil {
		sh.node.count.Add(-1)
		return nil, fault.New(fault.WrongState, err)
	}
	delete(sh.gone, s.Peer.Handle)
	sh.peers[s.Peer.Handle] = p
	p.publishing.adopt(&s.Publishing, now)
	p.subscribing.adopt(&s.Subscribing)
	p.log.Info("peer adopted")
	return p, nil
}

// takeOver has the node that serves a peer let go of it, now that its endpoint sends here.
func (sh *shard) takeOver(p *peer) {
	origin, version := p.taking, p.version
	p.arrived = true
	p.log.Debug("endpoint has come")
	sh.node.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), takeOverTime)
		defer cancel()
		state, err := lastWord(ctx, origin, p.id, version)
		if err == nil { // the other node has let go, so what cannot go on is left out
			err = sh.node.admitOutputs(ctx, &state.Publishing.Outputs, true)
		}
		_ = origin.Close()
		sh.worker.Post(func(now time.Duration) {
			switch {
			case p.closed && err == nil && p.ending != "": // nobody has it any more, and nobody has said so
				sh.node.cfg.Events.Publish(p.id, Closed{Reason: p.ending})
			case p.closed:
			case err != nil:
				p.log.Warn("peer not taken over", "err", err)
				p.close(now)
				sh.node.cfg.Events.Publish(p.id, NotMoved{Lost: !keeps(err)})
			default:
				p.goOn(state, now)
				sh.node.cfg.Events.Publish(p.id, Moved{})
			}
		})
	})
}

// lastWord has origin let go of a peer, and returns its last state. As long as it is not known whether origin has let go,
// it is asked again.
func lastWord(ctx context.Context, origin Origin, id PeerID, version uint64) (*State, error) {
	for {
		try, cancel := context.WithTimeout(ctx, takeOverTry)
		state, err := origin.Export(try, id, &version)
		cancel()
		switch {
		case err == nil:
			return state, nil
		case keeps(err):
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(takeOverPause):
		}
	}
}

// keeps tells whether a node that refuses with err has not let go of the peer, and will not for this request: either it has
// it still, or had lost it before and has said so.
func keeps(err error) bool {
	reason := fault.Of(err)
	return reason == fault.NoSuchPeer || reason == fault.WrongState
}

// goOn takes the last state of the node that had the peer until now, and sends from there on.
func (p *peer) goOn(s *State, now time.Duration) {
	p.conn.Continue(s.Transport)
	dead := p.taking.Dead()
	p.taking, p.up, p.keeping.due = nil, true, 0
	p.publishing.come()
	if s.TransportSeq != 0 {
		p.subscribing.bandwidth.goOnAt(s.TransportSeq)
	}
	p.seconds.Set(now + time.Second)
	for _, ssrc := range s.SSRCs {
		p.ssrcs[ssrc] = struct{}{}
	}
	p.publishing.goOn(&s.Publishing, now)
	for i, sl := range p.subscribing.slots {
		if i >= len(s.Subscribing.Slots) || sl.leg == nil {
			continue
		}
		if leg := s.Subscribing.Slots[i].Leg; leg != nil {
			sl.leg.Adopt(*leg, sl.flowing(), now)
			out := p.subscribing.legs[sl.offered.Sent.SSRC]
			out.counted, out.lost = leg.Stats, leg.Stats.Lost // by the other node
		}
	}
	p.publishing.goOnOutputs(&s.Publishing.Outputs, now)
	if dead {
		p.beginAnew(now)
	}
	p.log.Info("peer taken over")
}

// adopt makes the streams that the endpoint sends. Their packets may come from now on.
func (pub *publisher) adopt(s *PublishingState, now time.Duration) {
	pub.offered, pub.lowestFirst, pub.bitrate, pub.terms = s.Offered, s.LowestFirst, s.Bitrate, s.Terms
	pub.muted, pub.echo = s.Muted, s.Echo
	pub.cap.Set(s.Bitrate)
	if s.Clock != nil {
		pub.clock.SetOffset(*s.Clock)
	}
	pub.streams = make([]*inbound, len(s.Streams))
	for i, state := range s.Streams {
		if i < len(s.Offered) && s.Offered[i].Kind == sdp.Data && !s.Offered[i].Refused {
			pub.peer.conn.AllowData()
		}
		if state == nil || i >= len(s.Offered) {
			continue
		}
		in := newInbound(pub, &s.Offered[i], s.Terms, now)
		in.update(&s.Offered[i])
		in.adopt(state, now)
		merge(&pub.ids, &s.Offered[i].IDs)
		pub.streams[i] = in
	}
	if s.Feed == "" || pub.register(s.Feed) != nil { // adopt of shard has seen that it was free
		return
	}
	pub.peer.node.known.list(pub)
	pub.peer.node.known.setComing(s.Feed, pub.peer.taking != nil)
	pub.tellArrival()
}

// goOn takes what may have changed since the first state.
func (pub *publisher) goOn(s *PublishingState, now time.Duration) {
	pub.muted, pub.bitrate, pub.terms, pub.echo = s.Muted, s.Bitrate, s.Terms, s.Echo
	pub.cap.Set(s.Bitrate)
	for i, in := range pub.streams {
		if i >= len(s.Streams) || in == nil || s.Streams[i] == nil {
			continue
		}
		last := s.Streams[i]
		in.delay.adopt(last.Delay)
		in.stream.SetPlayoutDelay(in.delay.value())
		in.stream.SetTalk(s.Terms.Talk)
		in.stream.SetRelay(last.Stream.Relaying, now)
		in.stream.Settle(last.Stream, now)
	}
}

// come is for a publisher whose endpoint has got here.
func (pub *publisher) come() {
	if pub.id != "" {
		pub.peer.node.known.setComing(pub.id, false)
		pub.tellArrival()
	}
}

func (pub *publisher) tellArrival() {
	id := pub.id
	for _, sh := range pub.peer.node.shards {
		sh.worker.Post(func(now time.Duration) { sh.arrived(id, now) })
	}
}

func (in *inbound) adopt(s *InboundState, now time.Duration) {
	for layer := range in.layers {
		if ssrc := s.Media[layer]; ssrc != 0 {
			in.learn(ssrc, layer, false)
		}
		if ssrc := s.Repair[layer]; ssrc != 0 {
			in.learn(ssrc, layer, true)
		}
		if layer < len(s.Stream.Layers) {
			in.receiving[layer] = s.Stream.Layers[layer].Stats.Receiving
		}
	}
	in.delay.adopt(s.Delay)
	in.stream.SetPlayoutDelay(in.delay.value())
	in.stream.Adopt(s.Stream, now)
}

// adopt makes the slots. Nothing flows before the other node has let go.
func (s *subscriber) adopt(state *SubscribingState) {
	s.paused, s.open, s.shared = state.Paused, state.Open, state.Shared
	for i := range state.Slots {
		one := &state.Slots[i]
		sl := &slot{
			subscriber: s, kind: one.Offered.Kind, mid: one.Offered.MID,
			offered: one.Offered, accepted: one.Accepted, ready: one.Ready, send: one.Send,
		}
		s.slots = append(s.slots, sl)
		if sl.kind == sdp.Data && sl.ready {
			s.peer.conn.AllowData()
		}
		if len(one.Heard) > 0 {
			sl.listen(one.Heard)
		}
		if one.Leg == nil {
			continue
		}
		sl.fill()
		sl.leg.Reconfigure(sl.config(&one.Accepted))
		sl.delay.adopt(one.Delay)
		sl.leg.SetPlayoutDelay(sl.delay.value())
		sl.find(one.Source)
		sl.moving = true
		sl.connect(s.peer.shard.worker.Now())
		if one.Ready && one.Send && !state.Paused {
			sl.leg.Expect(*one.Leg)
		}
	}
}

// at says on which node the sources are that were on the peer's own; what it sends itself comes with it.
func (s *State) at(node string) {
	for i := range s.Subscribing.Slots {
		sl := &s.Subscribing.Slots[i]
		if source := sl.Source; source != nil && source.Node == "" && source.Feed != s.Publishing.Feed {
			source.Node = node
		}
		for j := range sl.Heard {
			sl.Heard[j].Node = node
		}
	}
}

// adopt takes over an override.
func (d *playoutDelay) adopt(v *packet.PlayoutDelay) {
	if v != nil {
		d.min, d.max = &v.Min, &v.Max
	}
}

// arrived connects who has been waiting for a feed: a subscriber may get here before its publisher, or, once that has come,
// still try to have it from the node before.
func (sh *shard) arrived(feed FeedID, now time.Duration) {
	if p := sh.pulls[feed]; p != nil && !sh.node.known.coming(feed) {
		p.arrived(now)
	}
	for _, p := range sh.peers {
		for _, sl := range p.subscribing.slots {
			if sl.source != nil && sl.source.Feed == feed && sl.watched == nil {
				sl.watch(sl.source)
				sl.connect(now)
			}
			if sl.misses(feed) {
				sl.listen(sl.wanted)
			}
		}
	}
}
