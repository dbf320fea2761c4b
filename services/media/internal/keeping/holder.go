// Package keeping has another node keep the values of this one's peers, so that they can go on from there when this one dies.
package keeping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/media/internal/bus"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/rpc"
)

const (
	collectEvery = 100 * time.Millisecond
	// answerTime is how long the keeper may take for an answer. After that another one is looked for.
	answerTime = 2500 * time.Millisecond
	// registerTime is how long roomstate may take to note who is the keeper.
	registerTime = 2 * time.Second
	// again is the pause between tries.
	again = 200 * time.Millisecond
	// shunTime is how long a keeper that did not answer is not taken again, unless it is the only one.
	shunTime = 5 * time.Second
	// mostAsked bounds how often a shard is asked for values before the next one is.
	mostAsked = 64
	// idleEvery is how often the keeper hears of an owner that has nothing new.
	idleEvery = 500 * time.Millisecond
)

// ErrFenced says that this node counts as dead: others have its peers.
var ErrFenced = errors.New("this node counts as dead, and its calls go on elsewhere")

var errSilent = errors.New("the keeper does not answer")

// Requester sends a command until it is answered.
type Requester interface {
	Do(ctx context.Context, subject string, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error)
}

// Holder has the values of a node's peers kept.
type Holder struct {
	ID, Name string // of this process, and of the node
	Node     *node.Node
	Others   interface{ List() []bus.Other }
	Lines    interface {
		Keep(ctx context.Context, address string) (*rpc.KeepLine, error)
	}
	Requests Requester
	Log      *slog.Logger

	keeper  atomic.Value // a Keeper
	changes uint64       // of keepers, so far; by Run alone, as those below
	current bus.Other    // the zero value for none
	number  uint64       // of the last message
	shunned map[string]time.Time

	complained bool // since roomstate has answered last

	doubts chan doubt // of the last renewal, for settle
	doubt  doubt
}

// Keeper is who keeps the values.
type Keeper struct {
	ID     string // of the process, empty for none
	Change uint64 // how many times it has been another
}

// Keeper returns the one that there is now. It may be called at any time.
func (h *Holder) Keeper() Keeper {
	k, _ := h.keeper.Load().(Keeper)
	return k
}

// Run has values kept until ctx ends, or returns ErrFenced.
func (h *Holder) Run(ctx context.Context) error {
	h.shunned, h.doubts = map[string]time.Time{}, make(chan doubt, 1)
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() { cancel(h.renew(ctx)) })
	if err := h.run(ctx); err != nil {
		return err
	}
	if err := context.Cause(ctx); errors.Is(err, ErrFenced) {
		return err
	}
	return nil
}

func (h *Holder) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := h.settle(ctx); err != nil {
			return err
		}
		next, ok := choose(h.Name, h.current.ID, h.Others.List(), h.shuns())
		if !ok && h.current.ID != "" && !h.shuns()[h.current.ID] {
			next, ok = h.current, true // it may be that only its beats are not heard
		}
		if next.ID != h.current.ID {
			if err := h.change(ctx, next); errors.Is(err, ErrFenced) {
				return err
			} else if err != nil && ctx.Err() == nil {
				if !h.complained {
					h.Log.Warn("no other keeper until roomstate answers", "err", err)
				}
				h.complained = true
				if h.Keeper().Change == 0 { // what has been asked for may be noted later, and is to be renewed as none
					h.keeper.Store(Keeper{Change: h.changes})
				}
				delete(h.shunned, h.current.ID) // it may be back sooner than roomstate
				if err := h.serve(ctx, h.current); errors.Is(err, ErrFenced) {
					return err
				}
				pause(ctx, again)
				continue
			}
		}
		if h.current.ID == "" {
			pause(ctx, again)
			continue
		}
		switch err := h.serve(ctx, h.current); {
		case errors.Is(err, ErrFenced):
			return err
		case err != nil && ctx.Err() == nil:
			h.Log.Warn("values are not kept", "keeper", h.current.Name, "err", err)
			h.shunned[h.current.ID] = time.Now()
			pause(ctx, again/4)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (h *Holder) shuns() map[string]bool {
	now := map[string]bool{}
	for id, at := range h.shunned {
		if time.Since(at) >= shunTime {
			delete(h.shunned, id)
			continue
		}
		now[id] = true
	}
	return now
}

// change makes another node the keeper, or none. It is so only when roomstate has noted it: from then on nobody is given what
// the last one has. Until then it is not known what this node may send.
func (h *Holder) change(ctx context.Context, next bus.Other) error {
	h.changes++
	wakes := h.Node.Wakes()
	if _, err := h.note(ctx, Keeper{next.ID, h.changes}); err != nil {
		return err
	}
	h.current, h.complained = next, false
	h.keeper.Store(Keeper{next.ID, h.changes})
	h.Node.FreeKept()
	h.Node.Resume(wakes)
	h.Node.Guard(next.ID != "")
	h.Log.Info("another node keeps the values of this one's peers", "keeper", next.Name)
	return nil
}

// Leave is for a node that ends in good order: what is here still ends with it. It comes after Run.
func (h *Holder) Leave() {
	if h.current.ID == "" {
		return
	}
	if err := h.change(context.Background(), bus.Other{}); err != nil {
		h.Log.Warn("the keeper of this node's peers is still noted", "err", err)
	}
}

// sent is a message on its way.
type sent struct {
	number uint64
	wakes  uint64 // of this process, before it was sent
	values []rpc.Value
}

// serve has values kept by one node, until that does not answer, or another is to be chosen, which is no error.
func (h *Holder) serve(ctx context.Context, to bus.Other) error {
	if to.ID == "" {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	late := time.AfterFunc(answerTime, func() { cancel(errSilent) })
	defer late.Stop()
	line, err := h.Lines.Keep(ctx, to.Address)
	if err != nil {
		return err
	}
	wg.Go(func() { <-ctx.Done(); line.Close() })
	underway := make(chan sent, 1024)
	wg.Go(func() { cancel(h.receive(ctx, line, underway, late)) })

	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	last := time.Time{}
	for {
		wakes := h.Node.Wakes()
		for shard := range h.Node.Shards() {
			for range mostAsked {
				values, more, err := h.Node.Keepable(ctx, shard)
				if err != nil {
					break
				}
				encoded, err := encode(values)
				if err != nil {
					return err
				}
				for len(encoded) > 0 {
					n := fill(encoded)
					if err := h.send(ctx, line, underway, sent{wakes: wakes, values: encoded[:n]}); err != nil {
						return ended(ctx, err)
					}
					encoded, last = encoded[n:], time.Now()
				}
				if !more {
					break
				}
			}
		}
		if time.Since(last) >= idleEvery {
			if err := h.send(ctx, line, underway, sent{wakes: wakes}); err != nil {
				return ended(ctx, err)
			}
			last = time.Now()
		}
		select {
		case <-tick.C:
		case <-h.Node.Woken():
			last = time.Time{}
		case h.doubt = <-h.doubts:
			return nil // it is for settle
		case <-ctx.Done():
			return ended(ctx, ctx.Err())
		}
		if next, ok := choose(h.Name, to.ID, h.Others.List(), h.shuns()); ok && next.ID != to.ID {
			if _, there := h.find(to.ID); there { // and leaves
				return nil
			}
		}
	}
}

func (h *Holder) find(id string) (bus.Other, bool) {
	for _, n := range h.Others.List() {
		if n.ID == id {
			return n, true
		}
	}
	return bus.Other{}, false
}

// ended is why a line has.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (h *Holder) send(ctx context.Context, line *rpc.KeepLine, underway chan<- sent, m sent) error {
	h.number++
	m.number = h.number
	select {
	case underway <- m:
	case <-ctx.Done():
		return ctx.Err()
	}
	o := h.keeper.Load().(Keeper)
	return line.Send(rpc.KeepOpening{Owner: h.ID, Keeper: o.ID, Change: o.Change}, m.number, m.values)
}

// receive takes the keeper's answers, which come in the order of the messages.
func (h *Holder) receive(ctx context.Context, line *rpc.KeepLine, underway <-chan sent, late *time.Timer) error {
	for {
		answer, err := line.Receive()
		if err != nil {
			return err
		}
		if answer.Fenced {
			return ErrFenced
		}
		var m sent
		select {
		case m = <-underway:
		case <-ctx.Done():
			return ctx.Err()
		}
		if m.number != answer.Number {
			return fmt.Errorf("answer to message %d, not %d", answer.Number, m.number)
		}
		if !late.Stop() && ctx.Err() != nil {
			return errSilent
		}
		late.Reset(answerTime)
		h.Node.Resume(m.wakes)
		var taken, refused []node.Value
		for _, v := range m.values {
			if answer.Refused[v.Peer] || v.TooLarge {
				refused = append(refused, v.Value)
			} else {
				taken = append(taken, v.Value)
			}
		}
		h.Node.Acknowledge(taken, refused)
	}
}
