package room

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/eventhandler"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// errVoid means that a decision comes to nothing since the one that it was based on does. It is made again.
var errVoid = errors.New("what was decided before was not written")

// decision is what one run of a rule says.
type decision struct {
	turn  *plugin.Turn
	reply *busv1.Reply
	write *store.Write // nil if there is nothing to write
	next  plugin.Room  // nil leaves it as it is
	first bool         // of its batch, all of which is written by who made it
}

// batch is decisions on one room that are written together (ADR 24). Each is based on the one before it, and the first on the batch
// before, which is being written meanwhile.
type batch struct {
	decisions []*decision
	turn      chan struct{} // closed when it is the next to be written, once the room has had its rest
	begin     chan struct{} // closed when it is to be written, which whoever made its first decision does
	done      chan struct{} // closed when err says what came of it
	err       error
}

func newBatch(d *decision) *batch {
	d.first = true
	return &batch{decisions: []*decision{d}, turn: make(chan struct{}), begin: make(chan struct{}), done: make(chan struct{})}
}

// takes tells whether d may be written with what is there. Sessions that act are different, so that no write can be in the way of
// what another one asks for.
func (b *batch) takes(d *decision) bool {
	return len(b.decisions) < store.MostTogether && !slices.ContainsFunc(b.decisions, func(other *decision) bool {
		return other.write.Handle.ID.Session == d.write.Handle.ID.Session
	})
}

// wait returns what came of the batch; of none, nothing is wrong.
func (b *batch) wait() error {
	if b == nil {
		return nil
	}
	<-b.done
	return b.err
}

func (b *batch) failed() bool {
	if b == nil {
		return false
	}
	select {
	case <-b.done:
		return b.err != nil
	default:
		return false
	}
}

// last is the batch that is to be written last, nil if everything is. The caller has mu.
func (e *entry) last() *batch {
	if e.next != nil {
		return e.next
	}
	return e.flight
}

// add makes d part of a batch, and what it makes of the room the room. The caller has the turn, and made d after before. What cannot
// be written with others waits until nothing else is being written.
func (e *entry) add(d *decision, before *batch, alone bool) (*batch, error) {
	for {
		b, full, err := e.tryAdd(d, before, alone)
		if full == nil {
			return b, err
		}
		<-full.done
	}
}

// tryAdd is add, or returns the batch after which to try again.
func (e *entry) tryAdd(d *decision, before *batch, alone bool) (b, full *batch, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case before.failed():
		return nil, nil, errVoid
	case e.next != nil && !alone && e.next.takes(d):
		b = e.next
		b.decisions = append(b.decisions, d)
	case e.flight != nil && (alone || e.next != nil):
		return nil, e.flight, nil
	case e.next != nil:
		return nil, e.next, nil
	case alone || e.flight == nil && !time.Now().Before(e.rest):
		b = newBatch(d)
		e.fly(b)
	default:
		b = newBatch(d)
		e.next = b
		if e.flight == nil {
			close(b.turn)
		}
	}
	if d.next != nil {
		e.room = d.next
	}
	return b, nil, nil
}

// rested has b written, the next, when the room has had its rest.
func (e *entry) rested(b *batch) {
	e.mu.Lock()
	rest := e.rest
	e.mu.Unlock()
	time.Sleep(time.Until(rest))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = nil
	e.fly(b)
}

// fly has b written. The caller has mu.
func (e *entry) fly(b *batch) {
	e.flight = b
	b.decisions[0].write.Read = e.version
	close(b.begin)
}

// land ends b, and has written what was decided meanwhile, unless b was not. Nothing is written until rest, if it can wait.
func (e *entry) land(b *batch, version string, err error, rest time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := e.next
	e.flight, e.next = nil, nil
	b.err = err
	close(b.done)
	switch {
	case err != nil: // whatever happened, what is remembered may be wrong
		e.room = nil
		if next != nil {
			next.err = errVoid
			close(next.done)
		}
		return
	case version == "":
		e.room = nil // others may make it
	}
	e.version, e.rest = version, rest
	switch {
	case next == nil:
	case time.Now().Before(rest):
		e.next = next
		close(next.turn)
	default:
		e.fly(next)
	}
}

// manyTold is how many events, of one commit, have the room rest after it as long as it took, but not longer than longestRest. Most of
// what such a commit costs all processes depends on who is told, not on how often: what is decided meanwhile costs little more. Who
// comes alone does not wait.
const (
	manyTold    = 32
	longestRest = 25 * time.Millisecond
)

// written returns when d has been written with its batch, or why it was not.
func (k *Keeper) written(ctx context.Context, e *entry, b *batch, d *decision) error {
	if d.first {
		select {
		case <-b.turn:
			e.rested(b)
			k.commit(ctx, e, b)
		case <-b.begin:
			k.commit(ctx, e, b)
		case <-b.done:
		}
	}
	err := b.wait()
	if errors.Is(err, errWritten) {
		return k.answered(ctx, d)
	}
	if refused, ok := errors.AsType[*store.RefusedError](err); ok {
		if b.decisions[refused.Index] != d {
			return errVoid
		}
		return refused.Err
	}
	return err
}

// commitTime bounds how long a batch of several may take to be written, whatever becomes of the command that does it.
const commitTime = 5 * time.Second

// commit writes b and tells of it. Until it has, the next is not written: what follows a write is told in their order.
func (k *Keeper) commit(ctx context.Context, e *entry, b *batch) {
	writes := make([]*store.Write, len(b.decisions))
	for i, d := range b.decisions {
		writes[i] = d.write
	}
	if len(writes) > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), commitTime)
		defer cancel()
	}
	began, told := time.Now(), 0
	outcome, err := k.Store.Commit(ctx, began, writes...)
	switch {
	case err == nil:
		k.tell(b, &outcome)
	case k.settled(ctx, b, err):
		k.tellRest(b)
		err = errWritten
	}
	for _, w := range writes {
		told += len(w.Events)
	}
	var rest time.Time
	if now := time.Now(); told >= manyTold {
		rest = now.Add(min(now.Sub(began), longestRest))
	}
	e.land(b, outcome.Version, err, rest)
}

// tell makes known what has been written.
func (k *Keeper) tell(b *batch, o *store.Outcome) {
	o.Raised.Runs = slices.DeleteFunc(o.Raised.Runs, func(run store.Run) bool {
		if run.First == 0 {
			return true
		}
		if run.By < 0 || run.Edge == "" {
			return false
		}
		// The edge that asked is the one that is to hear of it: the answer says it.
		d := b.decisions[run.By]
		asked := d.turn.Command.GetSocket().GetEvents() == run.Edge
		if asked {
			d.reply.Raised = append(d.reply.Raised, run.Events()...)
		}
		return asked
	})
	if len(o.Raised.Runs) > 0 {
		k.Publish(&o.Raised)
	}
	k.tellRest(b)
	for i, d := range b.decisions {
		k.Owe(o.Each[i].Tasks)
		d.reply.LastEvent = o.Each[i].LastEvent
	}
}

// tellRest makes known what is nowhere else than here.
func (k *Keeper) tellRest(b *batch) {
	for _, d := range b.decisions {
		if len(d.turn.Texts) > 0 {
			k.Send(d.turn.Texts)
		}
		if len(d.turn.Posts) > 0 {
			k.Post(d.turn.Posts)
		}
		eventhandler.Committed(k.Events, d.turn)
	}
}
