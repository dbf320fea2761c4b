package owed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

const (
	// rescueTime is how long an endpoint of a dead node has to go on with another, from when it was told.
	rescueTime = 10 * time.Second
	// rescueAll is how long all of a node have, those included for which no other was found yet.
	rescueAll = 40 * time.Second
	// rescueAgain is when one is tried again that has not been begun with.
	rescueAgain = time.Second
	// fenceTime bounds the question to the node that keeps a dead one's values.
	fenceTime = 2 * time.Second
	// fenceFor is how long that is asked again while the node lives and only does not answer.
	fenceFor = 5 * time.Second
	// atOnce bounds the peers that are dealt with at the same time.
	atOnce = 32
)

// Burial is what becomes of the peers of dead nodes: those of which another node keeps the value go on with others, of all else
// it is said that the connection failed.
type Burial struct {
	Store interface {
		PeersOn(ctx context.Context, node string) ([]plugin.PeerKey, error)
		ForgetPeer(ctx context.Context, p plugin.PeerKey) error
		FenceNode(ctx context.Context, node string) (store.Keeper, error)
	}
	Nodes interface {
		Alive(node string) bool
		Keeper(node string) (keeper string, change uint64, heard bool)
		Deaths() uint64
		Call(ctx context.Context, node string, request proto.Message) (proto.Message, error)
	}
	Requests Requester
	Log      *slog.Logger

	mu      sync.Mutex
	rescues map[string]*rescue   // by node
	asked   map[string]time.Time // when first, of nodes whose keeper has not answered yet
}

// rescue is of one dead node.
type rescue struct {
	keeper string
	until  time.Time

	mu   sync.Mutex
	kept map[plugin.PeerKey]*attempt // that may go on elsewhere
}

// attempt is to have one peer go on elsewhere.
type attempt struct {
	number int
	next   time.Time
	until  time.Time // that the endpoint has; zero until it has been told of a node
	deaths uint64    // of nodes, before that
}

// errUnanswered says that it is not known yet what is kept of a node.
var errUnanswered = errors.New("the keeper has not answered yet")

// errUnderWay says of a peer that it is on its way to another node.
var errUnderWay = errors.New("peer is on its way to another node")

// Bury deals with a dead node. It is to be called until all is done.
func (b *Burial) Bury(ctx context.Context, node string) (done bool, err error) {
	r, err := b.rescue(ctx, node)
	if errors.Is(err, errUnanswered) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	peers, err := b.Store.PeersOn(ctx, node)
	if err != nil {
		return false, err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	failed := make(chan error, len(peers))
	for _, p := range peers {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := b.deal(ctx, r, p); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	close(failed)
	left := len(failed)
	for err := range failed {
		if !errors.Is(err, errUnderWay) {
			return false, fmt.Errorf("%d of %d peers are left: %w", left, len(peers), err)
		}
	}
	if left > 0 {
		return false, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rescues, node)
	return true, nil
}

// rescue finds out what of a node can be saved, once. Before anything is given to others the node is fenced, in the store and
// at its keeper.
func (b *Burial) rescue(ctx context.Context, node string) (*rescue, error) {
	b.mu.Lock()
	r := b.rescues[node]
	b.mu.Unlock()
	if r != nil {
		return r, nil
	}
	keeper, err := b.Store.FenceNode(ctx, node)
	if err != nil {
		return nil, err
	}
	r = &rescue{keeper: keeper.Node, until: time.Now().Add(rescueAll), kept: map[plugin.PeerKey]*attempt{}}
	if id, change, heard := b.Nodes.Keeper(node); heard && keeper.Node != "" && (store.Keeper{Node: id, Change: change}) != keeper {
		b.Log.Warn("a dead node's keeper is not known for sure", "node", node, "said", id, "noted", keeper.Node)
		r.keeper = ""
	}
	if r.keeper != "" && b.Nodes.Alive(r.keeper) {
		answer, err := b.fence(ctx, r.keeper, &mediav1.FenceRequest{Owner: node, Change: keeper.Change})
		if err != nil && fault.Of(err) != fault.WrongState && b.Nodes.Alive(r.keeper) && time.Since(b.since(node)) < fenceFor {
			return nil, errUnanswered
		}
		if err != nil {
			b.Log.Warn("what is kept of a dead node cannot be had", "node", node, "keeper", r.keeper, "err", err)
		}
		fenced, _ := answer.(*mediav1.FenceResponse)
		for _, p := range fenced.GetKept() {
			h := plugin.HandleID{Session: p.GetSessionId(), Handle: p.GetHandleId()}
			r.kept[plugin.PeerKey{Node: node, Handle: h, Generation: p.GetGeneration()}] = &attempt{}
		}
	}
	b.Log.Info("node is buried", "node", node, "keeper", r.keeper, "kept", len(r.kept))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rescues == nil {
		b.rescues = map[string]*rescue{}
	}
	b.rescues[node] = r
	delete(b.asked, node)
	return r, nil
}

func (b *Burial) fence(ctx context.Context, keeper string, r *mediav1.FenceRequest) (proto.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, fenceTime)
	defer cancel()
	return b.Nodes.Call(ctx, keeper, r)
}

// since returns when a node's keeper was asked first.
func (b *Burial) since(node string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, ok := b.asked[node]
	if !ok {
		first = time.Now()
		if b.asked == nil {
			b.asked = map[string]time.Time{}
		}
		b.asked[node] = first
	}
	return first
}

// deal has a peer go on elsewhere, or ends it.
func (b *Burial) deal(ctx context.Context, r *rescue, p plugin.PeerKey) error {
	deaths := b.Nodes.Deaths()
	number, due, may := r.next(p, time.Now(), deaths)
	switch {
	case may && !due:
		return errUnderWay
	case may:
		err := move(ctx, b.Requests, r.keeper, p, number)
		switch fault.Of(err) {
		case fault.WrongState, fault.NoSuchPeer, fault.SessionNotFound, fault.HandleNotFound:
			b.Log.Info("peer cannot go on elsewhere", "session", p.Handle.Session, "handle", p.Handle.Handle, "err", err)
			r.giveUp(p)
		default:
			if err == nil {
				r.begun(p, time.Now(), deaths)
			}
			return errUnderWay // what has failed for another reason is tried again
		}
	}
	if err := bury(ctx, b.Requests, p); err != nil {
		return err
	}
	return b.Store.ForgetPeer(ctx, p)
}

// next tells whether a peer may still be saved, and whether it is to be tried now: if it is on its way, only after another node has
// died, which may be the one that was to have it.
func (r *rescue) next(p plugin.PeerKey, now time.Time, deaths uint64) (number int, due, may bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.kept[p]
	if a == nil || now.After(r.until) {
		return 0, false, false
	}
	begun := !a.until.IsZero()
	if begun && now.After(a.until) {
		return 0, false, false
	}
	if now.Before(a.next) || begun && a.deaths == deaths {
		return 0, false, true
	}
	a.number++
	a.next = now.Add(rescueAgain)
	return a.number, true, true
}

// begun is for a peer whose endpoint has been told where to go on.
func (r *rescue) begun(p plugin.PeerKey, now time.Time, deaths uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.kept[p]
	if a.until.IsZero() {
		a.until = now.Add(rescueTime)
	}
	a.deaths = deaths
}

func (r *rescue) giveUp(p plugin.PeerKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.kept, p)
}

// move begins to have a peer go on with another node than its own, which is dead.
func move(ctx context.Context, requests Requester, keeper string, p plugin.PeerKey, number int) error {
	ctx, cancel := context.WithTimeout(ctx, taskTime)
	defer cancel()
	_, err := requests.Do(ctx, bus.Commands, &busv1.Command{
		Id:        fmt.Sprintf("rescue %s %s %d %d", p.Node, p.Handle, p.Generation, number), // the same from every replica
		SessionId: p.Handle.Session,
		HandleId:  p.Handle.Handle,
		Verb:      &busv1.Command_Move{Move: &busv1.Move{From: p.Node, Keeper: keeper}},
	}, nil)
	return err
}

func bury(ctx context.Context, requests Requester, p plugin.PeerKey) error {
	ctx, cancel := context.WithTimeout(ctx, taskTime)
	defer cancel()
	_, err := requests.Do(ctx, bus.Commands, &busv1.Command{
		Id:        fmt.Sprintf("dead %s %s %d", p.Node, p.Handle, p.Generation), // the same from every replica
		SessionId: p.Handle.Session,
		HandleId:  p.Handle.Handle,
		Verb: &busv1.Command_Peer{Peer: &busv1.PeerEvent{
			Node: p.Node, NodeId: p.Node, Generation: p.Generation,
			Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "ICE failed", WithNode: true}},
		}},
	}, nil)
	switch fault.Of(err) {
	case fault.SessionNotFound, fault.HandleNotFound:
		return nil
	}
	return err
}
