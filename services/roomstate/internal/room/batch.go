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
}

// batch is decisions on one room that are written together (ADR 24). Each is based on the one before it, and the first on the batch
// before, which is being written meanwhile.
type batch struct {
	decisions []*decision
	gathers   bool          // nothing is being written before it, and it waits a moment for others
	begin     chan struct{} // closed when it is to be written, which whoever made its first decision does
	done      chan struct{} // closed when err says what came of it
	err       error
}

func newBatch(d *decision) *batch {
	return &batch{decisions: []*decision{d}, begin: make(chan struct{}), done: make(chan struct{})}
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
func (e *entry) add(d *decision, before *batch, alone bool) (b *batch, first bool, err error) {
	for {
		b, full, err := e.tryAdd(d, before, alone)
		if full == nil {
			return b, err == nil && b.decisions[0] == d, err
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
	case alone || e.flight == nil && d.company() == 0:
		b = newBatch(d)
		e.fly(b)
	default:
		b = newBatch(d)
		b.gathers = e.flight == nil
		e.next = b
	}
	if d.next != nil {
		e.room = d.next
	}
	return b, nil, nil
}

// gathered has b written, which has waited for others.
func (e *entry) gathered(b *batch) {
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

// land ends b, and has written what was decided meanwhile, unless b was not.
func (e *entry) land(b *batch, version string, err error) {
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
	e.version = version
	if next != nil {
		e.fly(next)
	}
}

// What waits for company: where that many are told, for so long for each of them, and no longer.
const (
	manyTold    = 32
	waitForEach = 10 * time.Microsecond
	longestWait = 5 * time.Millisecond
)

// company is how long a decision waits for others when nothing is being written: about as long as it takes all processes to tell
// those who are to be told, which is done once for all that is decided meanwhile.
func (d *decision) company() time.Duration {
	if len(d.write.Events) < manyTold {
		return 0
	}
	return min(time.Duration(len(d.write.Events))*waitForEach, longestWait)
}

// written returns when d has been written with its batch, or why it was not. Who made the first decision writes all.
func (k *Keeper) written(ctx context.Context, e *entry, b *batch, d *decision, first bool) error {
	if first {
		if b.gathers {
			time.Sleep(d.company())
			e.gathered(b)
		}
		select {
		case <-b.begin:
			k.commit(ctx, e, b)
		case <-b.done:
		}
	}
	err := b.wait()
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
	outcome, err := k.Store.Commit(ctx, time.Now(), writes...)
	if err == nil {
		k.tell(b, &outcome)
	}
	e.land(b, outcome.Version, err)
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
	for i, d := range b.decisions {
		if len(d.turn.Texts) > 0 {
			k.Send(d.turn.Texts)
		}
		if len(d.turn.Posts) > 0 {
			k.Post(d.turn.Posts)
		}
		k.Owe(o.Each[i].Tasks)
		eventhandler.Committed(k.Events, d.turn)
		d.reply.LastEvent = o.Each[i].LastEvent
	}
}
