package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/relay"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

const (
	pullLinger   = 2 * time.Second         // how long a feed is kept of which nobody wants anything
	pullTimeout  = 5 * time.Second         // in which the other node has to answer
	pullPause    = 50 * time.Millisecond   // before another try, at first
	longestPause = time.Second             // later
	pullSilence  = 2 * time.Second         // of a node that lives still, at the most
	reachTimeout = 1500 * time.Millisecond // how long an offer waits for the other node
	pullFarewell = 200 * time.Millisecond  // of a node whose feed has come here: so long it may still send, and say so
)

var errPullEnded = errors.New("nobody wants the feed any more")

// pull is a feed that another node has, as it is had from there: by one relay at a time, which is made anew as long as
// somebody here wants the feed. It is in the feed's home shard, to whose goroutine all belongs; other shards mirror it.
type pull struct {
	feed
	shard  *shard
	log    *slog.Logger
	taps   taps
	cancel context.CancelFunc // ends attend
	linger *transport.Timer
	parts  *transport.Timer // set when the feed has come here
	closed bool

	node string // gRPC address of the one that relays the feed, or is to be asked next
	next string // likewise, as last heard of by somebody who asks for it
	from string // likewise, of the one that the present relay was asked of

	again   chan struct{} // holds a token when a relay may be tried at once
	known   chan struct{} // closed when it is known whether there is the feed
	told    bool          // that
	refused atomic.Bool   // there is not

	up      bool
	broken  bool                     // the last relay ended without a word: what went by it last may be lost
	cut     context.CancelFunc       // ends the relay
	heardAt time.Duration            // when something came of it
	in      *transport.RelayReceiver // nil before the first relay, as is out
	out     *transport.RelaySender
	key     transport.RelayKey // of out
	demands *demands

	streams     []*pulled
	streamsMade uint32
	publisher   forward.PublisherClock
	clock       relay.Clock // of the other node
	missing     relay.Missing
	lacks       bool // in shard.lacking
	nacks       []uint64
	repairs     *transport.Timer
}

// pull finds a feed of another node, or begins to have it; nil if there are too many.
func (sh *shard) pull(id FeedID, node string) *pull {
	if p := sh.pulls[id]; p != nil {
		p.redirect(node)
		return p
	}
	n := sh.node
	if open := n.relays.in.Add(1); open > int64(n.cfg.MaxRelays) {
		n.relays.in.Add(-1)
		n.log.Warn("feed not pulled: too many relays", "feed", id, "relays", open-1)
		return nil
	}
	p := &pull{
		shard: sh, log: n.log.With("feed", id), node: node, known: make(chan struct{}), again: make(chan struct{}, 1), demands: newDemands(),
	}
	p.init(p)
	p.id = id
	p.linger, p.parts, p.repairs = sh.worker.NewTimer(p.checkUse), sh.worker.NewTimer(p.part), sh.worker.NewTimer(p.repair)
	p.linger.Set(sh.worker.Now() + pullLinger)
	sh.pulls[id] = p
	ctx, cancel := context.WithCancel(n.serving)
	p.cancel = cancel
	n.tasks.Go(func() { p.attend(ctx) })
	return p
}

// redirect is for who says that the feed is on a node. Another that relays it is left only when it says that it has ended, or is silent.
func (p *pull) redirect(node string) {
	if p.next = node; node == p.node {
		return
	}
	if !p.up {
		p.node = node
		select {
		case p.again <- struct{}{}:
		default: // it has been told already
		}
	}
	if p.cut != nil && (!p.up || p.shard.worker.Now()-p.heardAt > pullSilence) {
		p.cut()
	}
}

// reach waits until other nodes have said whether they have the feeds that slots want, but not for long. NoSuchFeed if one
// has not, TooBusy if there are too many relays; a node that does not answer may come back.
func (n *Node) reach(ctx context.Context, slots []SlotRequest) error {
	pulls := map[FeedID]*pull{}
	want := func(feed FeedID, node string) error {
		if feed == "" || pulls[feed] != nil || !n.elsewhere(node) || n.known.origin(feed) != nil {
			return nil
		}
		home := n.home(feed)
		p, err := do(ctx, home, func(time.Duration) (*pull, error) { return home.pull(feed, node), nil })
		if err == nil && p == nil {
			return fault.New(fault.TooBusy, fmt.Errorf("feed %q is of another node, and there are too many relays", feed))
		}
		pulls[feed] = p
		return err
	}
	for i := range slots {
		if s := slots[i].Source; s != nil {
			if err := want(s.Feed, s.Node); err != nil {
				return err
			}
		}
		for _, d := range slots[i].Data {
			if err := want(d.Feed, d.Node); err != nil {
				return err
			}
		}
	}
	if len(pulls) == 0 {
		return nil
	}
	late := time.NewTimer(reachTimeout)
	defer late.Stop()
	for feed, p := range pulls {
		select {
		case <-p.known:
		case <-late.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		if p.refused.Load() {
			return fault.New(fault.NoSuchFeed, fmt.Errorf("feed %q is not where it was said to be", feed))
		}
	}
	return nil
}

// attend has the feed relayed, again and again, until nobody wants it any more or there is nothing to be had.
func (p *pull) attend(ctx context.Context) {
	pause := pullPause
	for ctx.Err() == nil {
		accepted, movedTo, err := p.relayed(ctx)
		if accepted {
			pause = pullPause
		}
		if p.shard.run(ctx, func(now time.Duration) error { return p.after(movedTo, err, now) }) != nil {
			return
		}
		if accepted && movedTo != "" {
			continue
		}
		select {
		case <-ctx.Done():
		case <-p.again:
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// relayed has the feed relayed once. It returns where the feed has gone, or why there is no more: io.EOF if the feed ended.
func (p *pull) relayed(ctx context.Context) (accepted bool, movedTo string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	late := time.AfterFunc(pullTimeout, cancel)
	defer late.Stop()
	type begun struct {
		node string
		here RelayEnd
	}
	b, err := do(ctx, p.shard, func(now time.Duration) (begun, error) {
		if p.closed {
			return begun{}, errPullEnded
		}
		p.cut, p.heardAt, p.from = cancel, now, p.node
		return begun{p.node, p.begin()}, nil
	})
	if err != nil {
		return false, "", err
	}
	line, err := p.shard.node.cfg.Cluster.Pull(ctx, b.node, p.id, b.here)
	if err != nil {
		return false, "", err
	}
	defer func() { _ = line.Close() }()
	for {
		news, err := line.Receive()
		if err != nil || news.MovedTo != "" {
			return accepted, news.MovedTo, err
		}
		if err := p.shard.run(ctx, func(now time.Duration) error { return p.take(&news, now) }); err != nil {
			return accepted, "", err
		}
		if accepted {
			continue
		}
		if news.Accepted == nil {
			return false, "", errors.New("no acceptance")
		}
		accepted = true
		late.Stop()
		wg.Go(func() {
			defer cancel()
			for {
				d, err := p.demands.next(ctx)
				if err != nil || line.Send(d) != nil {
					return
				}
			}
		})
	}
}

// begin is for a relay that is to be asked for.
func (p *pull) begin() RelayEnd {
	p.hangUp()
	p.key = transport.NewRelayKey()
	p.in = p.shard.worker.NewRelayReceiver(p)
	return p.shard.node.relayEnd(p.in, p.key)
}

// hangUp ends what there is of a relay.
func (p *pull) hangUp() {
	p.count()
	p.up, p.out, p.missing, p.clock = false, nil, relay.Missing{}, relay.Clock{}
	p.repairs.Stop()
	if p.in != nil {
		p.in.Close()
		p.in = nil
	}
}

// after decides how it goes on when a relay has ended. An error says that it does not.
func (p *pull) after(movedTo string, err error, now time.Duration) error {
	if p.closed {
		return errPullEnded
	}
	p.broken = p.broken || p.up && movedTo == ""
	p.hangUp()
	sh := p.shard
	switch ended := errors.Is(err, io.EOF) || fault.Of(err) == fault.NoSuchFeed; {
	case movedTo != "" && sh.node.elsewhere(movedTo):
		p.log.Info("feed has moved", "to", movedTo)
		p.moveTo(movedTo)
	case movedTo != "" || sh.node.known.origin(p.id) != nil && !sh.node.known.coming(p.id): // it has come here
		p.over(sh.node.cfg.Address, now)
		return errPullEnded
	case p.next != "" && p.next != p.node:
		p.moveTo(p.next)
	case ended && p.from == p.node: // else it was said to be elsewhere meanwhile
		p.refused.Store(true)
		p.over("", now)
		return errPullEnded
	default:
		p.tell()
		p.log.Warn("relay broken", "node", p.from, "err", err)
	}
	return nil
}

// moveTo notes on which node the feed is, also for peers that move on from here.
func (p *pull) moveTo(node string) {
	p.node, p.next = node, ""
	p.feed.at(node)
	for _, m := range p.taps.mirrors {
		m.shard.worker.Post(func(time.Duration) {
			m.node = node
			m.feed.at(node)
		})
	}
}

// take takes news of the other node.
func (p *pull) take(news *RelayNews, now time.Duration) error {
	if p.closed {
		return errPullEnded
	}
	if a := news.Accepted; a != nil {
		if p.in == nil || p.up {
			return errors.New("accepted twice")
		}
		var err error
		if p.out, err = p.shard.worker.NewRelaySender(a.Address, a.Relay, p.key); err != nil {
			return err
		}
		if err := p.in.Use(a.Key); err != nil {
			return err
		}
		p.up, p.node = true, p.from
		p.log.Info("feed is relayed", "from", a.Address)
	}
	if news.Described {
		if err := p.describe(news.Streams, now); err != nil {
			return err
		}
	}
	if m := news.Message; m != nil {
		p.relay(*m)
		for _, mirror := range p.taps.mirrors {
			mirror.send(*m)
		}
	}
	if news.MessagesLost {
		p.endData()
		for _, m := range p.taps.mirrors {
			m.shard.worker.Post(func(time.Duration) { m.endData() })
		}
	}
	return nil
}

// tell closes known, once.
func (p *pull) tell() {
	if !p.told {
		p.told = true
		close(p.known)
	}
}

// unused is of finder, and untapped of source: it looks soon whether that is so still.
func (p *pull) unused() { p.untapped() }

func (p *pull) untapped() {
	if !p.closed && !p.inUse() {
		p.linger.Set(p.shard.worker.Now() + pullLinger)
	}
}

func (p *pull) inUse() bool { return len(p.listeners)+len(p.watchers)+len(p.taps.mirrors) > 0 }

func (p *pull) checkUse(now time.Duration) {
	if !p.inUse() {
		p.close(now)
	}
}

// arrived is for a feed that has come here. A node that is alive says where it has gone, after the last of its packets; one that is
// dead, or stopped, does not, and may leave the relay open.
func (p *pull) arrived(now time.Duration) {
	if p.up && now-p.heardAt < pullFarewell {
		p.parts.Set(now + pullFarewell)
		return
	}
	p.part(now)
}

func (p *pull) part(now time.Duration) {
	if !p.closed {
		p.over(p.shard.node.cfg.Address, now)
	}
}

// over is for a feed that has ended, or goes on on another node, or here.
func (p *pull) over(to string, now time.Duration) {
	delete(p.shard.pulls, p.id)
	p.up = false
	p.feed.end(to, now) // as long as legs are connected still
	p.close(now)
	p.taps.end(to, now)
}

func (p *pull) close(now time.Duration) {
	if p.closed {
		return
	}
	p.closed = true
	p.cancel()
	p.hangUp()
	p.linger.Stop()
	p.parts.Stop()
	p.tell()
	for _, one := range p.streams {
		one.stop(now)
	}
	p.streams = nil
	if p.shard.pulls[p.id] == p {
		delete(p.shard.pulls, p.id)
	}
	p.shard.node.relays.in.Add(-1)
	p.log.Info("feed is not pulled any more")
}
