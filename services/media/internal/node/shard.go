package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// shard is the peers of one worker, to whose goroutine all belongs.
type shard struct {
	node    *Node
	index   int
	worker  *transport.Worker
	peers   map[Handle]*peer
	gone    map[Handle]generation // of closed peers
	feeds   map[FeedID]*publisher
	mirrors map[FeedID]*mirror // of other shards' feeds
	pulls   map[FeedID]*pull   // of other nodes' feeds
	dirty   []*flow            // received something in this burst
	lacking []*pull            // miss something since this burst
	lanes   []*transport.Lane[bursts]
	purges  *transport.Timer
	ended   []Value // for the node that keeps the values of peers
	woken   uint64  // Node.wakes when the worker was last stopped
	quiet   bool    // since then; see Node.Guard
}

type generation struct {
	number uint32
	at     time.Duration // when it was closed
	left   *State        // its last, if it went to another node
	to     string        // that node
}

func newShard(n *Node, w *transport.Worker) *shard {
	sh := &shard{
		node: n, index: len(n.shards), worker: w,
		peers: map[Handle]*peer{}, gone: map[Handle]generation{}, feeds: map[FeedID]*publisher{}, mirrors: map[FeedID]*mirror{}, pulls: map[FeedID]*pull{},
	}
	sh.purges = w.NewTimer(sh.purge)
	return sh
}

// flush ends a burst: what came in goes out, to other shards first, so that they begin meanwhile.
func (sh *shard) flush(now time.Duration) {
	for _, f := range sh.dirty {
		if f.taps == nil {
			continue
		}
		for _, m := range f.taps.mirrors {
			sh.copyTo(m, f)
		}
	}
	for _, lane := range sh.lanes {
		if lane != nil {
			lane.Send()
		}
	}
	for i, f := range sh.dirty {
		f.dirty = false
		if f.taps != nil {
			for _, r := range f.taps.relays {
				r.flush(f)
			}
		}
		f.flush(now)
		sh.dirty[i] = nil
	}
	sh.dirty = sh.dirty[:0]
	for i, p := range sh.lacking {
		p.lacks = false
		p.repair(now)
		sh.lacking[i] = nil
	}
	sh.lacking = sh.lacking[:0]
}

// purge forgets closed peers for good, in time.
func (sh *shard) purge(now time.Duration) {
	for h, g := range sh.gone {
		if now-g.at >= goneFor {
			delete(sh.gone, h)
		}
	}
	if len(sh.gone) > 0 {
		sh.purges.Set(now + goneFor)
	}
}

// do runs f on the shard's worker and returns what it returns. An error of its own has a fault.Reason, or is that of
// ctx; f may then still run.
func do[T any](ctx context.Context, sh *shard, f func(now time.Duration) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	err := sh.worker.Do(ctx, func(now time.Duration) {
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
func (sh *shard) run(ctx context.Context, f func(now time.Duration) error) error {
	_, err := do(ctx, sh, func(now time.Duration) (struct{}, error) { return struct{}{}, f(now) })
	return err
}

// open finds the peer of a command, or makes it. A newer generation takes the place of an older one.
func (sh *shard) open(id PeerID, now time.Duration) (*peer, error) {
	p := sh.peers[id.Handle]
	switch {
	case p != nil && p.id == id:
		return p, nil
	case p != nil && p.id.Generation > id.Generation, sh.gone[id.Handle].number >= id.Generation && sh.gone[id.Handle].at != 0:
		return nil, fault.New(fault.NoSuchPeer, fmt.Errorf("generation %d is over", id.Generation))
	case sh.node.Draining():
		return nil, fault.New(fault.NodeUnavailable, errors.New("draining"))
	}
	if p != nil {
		p.close(now)
	}
	if err := sh.node.admit(); err != nil {
		return nil, err
	}
	p = newPeer(sh, id)
	sh.peers[id.Handle] = p
	return p, nil
}

// admit counts a new peer, or is an error if none is taken.
func (n *Node) admit() error {
	if n.Draining() {
		return fault.New(fault.NodeUnavailable, errors.New("draining"))
	}
	if peers := n.count.Add(1); peers > int64(n.cfg.MaxPeers) {
		n.count.Add(-1)
		return fault.New(fault.NodeUnavailable, fmt.Errorf("%d peers", peers-1))
	}
	return nil
}

// find returns the peer of exactly that generation.
func (sh *shard) find(id PeerID) (*peer, error) {
	if p := sh.peers[id.Handle]; p != nil && p.id == id {
		return p, nil
	}
	return nil, fault.New(fault.NoSuchPeer, nil)
}

// forget takes a closed peer out.
func (sh *shard) forget(p *peer, now time.Duration) {
	delete(sh.peers, p.id.Handle)
	sh.node.count.Add(-1)
	sh.gone[p.id.Handle] = generation{number: p.id.Generation, at: now}
	if !sh.purges.IsSet() {
		sh.purges.Set(now + goneFor)
	}
}
