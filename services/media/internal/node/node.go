package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/capture"
	"github.com/cardea-rtc/cardea/services/media/internal/recording"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/speakers"
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
	Captures          *capture.Folder   // nil: there may be none
	Observer          Observer          // may be nil
	StatsEvery        time.Duration     // whole seconds between Statistics of a peer; 0 for never
	Recordings        *recording.Folder // nil for none
	Outlet            *rtpforward.Outlet
	Inlet             *rtpreceive.Inlet
	Address           string         // of this node's gRPC API, as others know it
	Cluster           Cluster        // nil: no feed of another node can be had
	RelayAddress      netip.AddrPort // see RelayEnd.Address; port 0 for that of the group
	MaxRelays         int            // in each direction
	Log               *slog.Logger
}

// Node is a media node. Its peers are spread over shards, one for each worker of the port.
type Node struct {
	cfg    Config
	group  *transport.Group
	log    *slog.Logger
	shards []*shard // fixed at birth
	known  directory

	audiences speakers.Audiences

	count       atomic.Int64 // of peers
	silence     atomic.Int64 // nanoseconds, as Config.NoMedia at first
	slowLink    atomic.Uint32
	legs        legCounters
	mirrors     atomic.Int64 // of all shards
	streams     streamCounters
	mirrorDrops atomic.Uint64 // packets that another shard did not take in time
	bandwidth   bandwidthCounters
	draining    atomic.Bool
	relays      relayCounters
	keepSkipped atomic.Uint64 // values that were not kept in time
	wakes       atomic.Uint64 // times that a worker was stopped
	woken       chan struct{} // holds a token when that has happened
	leaving     atomic.Bool   // draining is for good
	drained     chan struct{} // holds a token when draining has changed

	serving    context.Context // until Run ends
	endServing context.CancelFunc
	tasks      sync.WaitGroup // that wait for other nodes
}

// New returns a node on g, which it will run.
func New(g *transport.Group, cfg Config) *Node {
	n := &Node{
		cfg: cfg, group: g, log: cfg.Log, drained: make(chan struct{}, 1), woken: make(chan struct{}, 1),
		known: directory{feeds: map[FeedID]*listing{}, moved: map[FeedID]move{}},
	}
	n.serving, n.endServing = context.WithCancel(context.Background())
	n.SetNoMedia(cfg.NoMedia)
	n.SetSlowLinkThreshold(cfg.SlowLinkThreshold)
	for _, w := range g.Workers() {
		n.shards = append(n.shards, newShard(n, w))
	}
	for _, sh := range n.shards {
		sh.joined()
	}
	return n
}

// Run serves until ctx ends. Peers that are left are closed.
func (n *Node) Run(ctx context.Context) error {
	defer n.tasks.Wait()
	defer n.endServing()
	err := n.group.Run(ctx, func(worker int) func(time.Duration) { return n.shards[worker].flush })
	for _, sh := range n.shards { // whose workers have ended
		for _, p := range sh.peers {
			p.endCapture()
		}
	}
	if err != nil {
		return fmt.Errorf("media worker: %w", err)
	}
	return nil
}

// shard is where a handle's peers are, all of them.
func (n *Node) shard(h Handle) *shard {
	const odd = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio: neighbours come to lie far apart
	mixed := (h.ID ^ h.Session*odd) * odd
	return n.shards[mixed>>32%uint64(len(n.shards))]
}

// SetNoMedia changes Config.NoMedia, for all peers.
func (n *Node) SetNoMedia(silence time.Duration) { n.silence.Store(int64(silence)) }

func (n *Node) noMedia() time.Duration { return time.Duration(n.silence.Load()) }

// SetSlowLinkThreshold changes Config.SlowLinkThreshold, likewise.
func (n *Node) SetSlowLinkThreshold(packets uint32) { n.slowLink.Store(packets) }

// Drain refuses new peers from now on, or takes them again unless the node leaves.
func (n *Node) Drain(on bool) {
	if on = on || n.leaving.Load(); n.draining.Swap(on) == on {
		return
	}
	n.log.Info("draining", "on", on)
	select {
	case n.drained <- struct{}{}:
	default: // the last change has not been seen yet
	}
}

// Leave refuses new peers for good.
func (n *Node) Leave() {
	n.leaving.Store(true)
	n.Drain(true)
}

// DrainingChanged gives a token when Draining has another value than before.
func (n *Node) DrainingChanged() <-chan struct{} { return n.drained }

// Draining reports whether new peers are refused.
func (n *Node) Draining() bool { return n.draining.Load() }

// Peers is how many there are.
func (n *Node) Peers() int { return int(n.count.Load()) }

// Mirrors is how many feeds are mirrored, counted for each shard that does.
func (n *Node) Mirrors() int { return int(n.mirrors.Load()) }

// MirrorDrops is how many packets did not get from one shard to another, since that did not keep up.
func (n *Node) MirrorDrops() uint64 { return n.mirrorDrops.Load() }

// CloseAll ends all peers since the node does, with the given reason, each with its event.
func (n *Node) CloseAll(ctx context.Context, reason string) error {
	var errs []error
	for _, sh := range n.shards {
		errs = append(errs, sh.run(ctx, func(now time.Duration) error {
			for _, p := range sh.peers {
				p.end(Closed{Reason: reason, WithNode: true}, now)
			}
			return nil
		}))
	}
	return errors.Join(errs...)
}

// ClosePeer ends a peer. One that is not there is no error, nor is one of another generation.
func (n *Node) ClosePeer(ctx context.Context, id PeerID, reason string, quiet bool) error {
	sh := n.shard(id.Handle)
	return sh.run(ctx, func(now time.Duration) error {
		p, err := sh.find(id)
		if err != nil {
			return nil
		}
		p.log.Info("closed", "reason", reason)
		if quiet {
			p.close(now)
		} else {
			p.end(Closed{Reason: reason}, now)
		}
		return nil
	})
}

// end closes a peer and says why. Of one that another node has still, that one says so.
func (p *peer) end(last Closed, now time.Duration) {
	p.close(now)
	if p.taking != nil {
		p.ending = last.Reason
		return
	}
	p.node.cfg.Events.Publish(p.id, last)
}

// invalidSDP makes err, which wraps sdp.ErrInvalid, what crosses the border.
func invalidSDP(err error) error {
	if errors.Is(err, sdp.ErrInvalid) {
		return &fault.Error{Reason: fault.InvalidSDP, Text: err.Error()}
	}
	return err
}
