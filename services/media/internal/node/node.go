package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// goneFor is how long the generation of a closed peer is remembered, so that a late repeat does not revive it.
const goneFor = time.Minute

// Config is what a Node is made with.
type Config struct {
	MaxPeers          int
	NoMedia           time.Duration // silence after which MediaState says so; 0 for never
	SlowLinkThreshold uint32        // packets lost in a second from which SlowLink is told; 0 for never
	Events            Events
	Log               *slog.Logger
}

// Node is a media node.
type Node struct {
	cfg    Config
	group  *transport.Group
	worker *transport.Worker
	log    *slog.Logger

	peers map[Handle]*peer      // from here on the worker's
	gone  map[Handle]generation // of closed peers
	feeds map[FeedID]*publisher
	dirty []*inbound // received something in this burst
	purge time.Duration
	ticks *transport.Timer

	count         atomic.Int64  // of peers
	retransmitted atomic.Uint64 // packets sent again to subscribers
	draining      atomic.Bool
}

type generation struct {
	number uint32
	at     time.Duration // when it was closed
}

// New returns a node on g, which it will run.
func New(g *transport.Group, cfg Config) *Node {
	n := &Node{
		cfg: cfg, group: g, worker: g.Workers()[0], log: cfg.Log,
		peers: map[Handle]*peer{}, gone: map[Handle]generation{}, feeds: map[FeedID]*publisher{},
	}
	n.ticks = n.worker.NewTimer(n.tick)
	return n
}

// Run serves until ctx ends. Peers that are left are closed.
func (n *Node) Run(ctx context.Context) error {
	n.worker.Post(n.tick)
	if err := n.group.Run(ctx, func(int) func(time.Duration) { return n.flush }); err != nil {
		return fmt.Errorf("media worker: %w", err)
	}
	return nil
}

// Drain refuses new peers from now on, or takes them again.
func (n *Node) Drain(on bool) { n.draining.Store(on) }

// Draining reports whether new peers are refused.
func (n *Node) Draining() bool { return n.draining.Load() }

// Peers is how many there are.
func (n *Node) Peers() int { return int(n.count.Load()) }

// Retransmitted is how many packets were sent again to subscribers.
func (n *Node) Retransmitted() uint64 { return n.retransmitted.Load() }

// CloseAll ends all peers with the given reason, each with its event.
func (n *Node) CloseAll(ctx context.Context, reason string) error {
	return n.run(ctx, func(now time.Duration) error {
		for _, p := range n.peers {
			p.close(now)
			n.cfg.Events.Publish(p.id, Closed{Reason: reason})
		}
		return nil
	})
}

// flush ends a burst: what came in goes out.
func (n *Node) flush(now time.Duration) {
	for i, in := range n.dirty {
		in.dirty = false
		in.stream.Flush(now)
		n.dirty[i] = nil
	}
	n.dirty = n.dirty[:0]
}

func (n *Node) tick(now time.Duration) {
	n.ticks.Set(now + 10*time.Millisecond)
	for _, p := range n.peers {
		p.tick(now)
	}
	if now < n.purge {
		return
	}
	n.purge = now + goneFor
	for h, g := range n.gone {
		if now-g.at >= goneFor {
			delete(n.gone, h)
		}
	}
}

// do runs f on the worker and returns what it returns. An error of its own has a fault.Reason, or is that of ctx; f
// may then still run.
func do[T any](ctx context.Context, n *Node, f func(now time.Duration) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	err := n.worker.Do(ctx, func(now time.Duration) {
		value, err := f(now)
		done <- result{value, err}
	})
	if errors.Is(err, transport.ErrStopped) {
		err = fault.New(fault.NodeUnavailable, err)
	}
	if err != nil {
		var none T
		return none, err
	}
	r := <-done
	return r.value, r.err
}

// run is do for what returns nothing.
func (n *Node) run(ctx context.Context, f func(now time.Duration) error) error {
	_, err := do(ctx, n, func(now time.Duration) (struct{}, error) { return struct{}{}, f(now) })
	return err
}

// open finds the peer of a command, or makes it. A newer generation takes the place of an older one.
func (n *Node) open(id PeerID, now time.Duration) (*peer, error) {
	p := n.peers[id.Handle]
	switch {
	case p != nil && p.id == id:
		return p, nil
	case p != nil && p.id.Generation > id.Generation, n.gone[id.Handle].number >= id.Generation && n.gone[id.Handle].at != 0:
		return nil, fault.New(fault.NoSuchPeer, fmt.Errorf("generation %d is over", id.Generation))
	case n.Draining():
		return nil, fault.New(fault.NodeUnavailable, errors.New("draining"))
	case p == nil && len(n.peers) >= n.cfg.MaxPeers:
		return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("%d peers", len(n.peers)))
	}
	if p != nil {
		p.close(now)
	}
	p = newPeer(n, id)
	n.peers[id.Handle] = p
	n.count.Store(int64(len(n.peers)))
	return p, nil
}

// find returns the peer of exactly that generation.
func (n *Node) find(id PeerID) (*peer, error) {
	if p := n.peers[id.Handle]; p != nil && p.id == id {
		return p, nil
	}
	return nil, fault.New(fault.NoSuchPeer, nil)
}

// forget takes a closed peer out.
func (n *Node) forget(p *peer, now time.Duration) {
	delete(n.peers, p.id.Handle)
	n.gone[p.id.Handle] = generation{number: p.id.Generation, at: now}
	n.count.Store(int64(len(n.peers)))
}

// ClosePeer ends a peer. One that is not there is no error, nor is one of another generation.
func (n *Node) ClosePeer(ctx context.Context, id PeerID, reason string, quiet bool) error {
	return n.run(ctx, func(now time.Duration) error {
		p, err := n.find(id)
		if err != nil {
			return nil
		}
		p.log.Info("closed", "reason", reason)
		p.close(now)
		if !quiet {
			n.cfg.Events.Publish(id, Closed{Reason: reason})
		}
		return nil
	})
}

// invalidSDP makes err, which wraps sdp.ErrInvalid, what crosses the border.
func invalidSDP(err error) error {
	if errors.Is(err, sdp.ErrInvalid) {
		return &fault.Error{Reason: fault.InvalidSDP, Text: err.Error()}
	}
	return err
}
