package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/session"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// How often, once in so many, something goes wrong on the bus.
const (
	losesAnswer = 200
	losesEvent  = 300
	twice       = 300
	misled      = 2 // a room's command goes to the former owner of its shard, if there was another a moment ago
)

// Do is the bus as those who need answers see it: a command is repeated, with its id, until there is one. Any replica takes it,
// the owner of its room decides.
func (w *world) Do(ctx context.Context, subject string, cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
	for range 30 {
		w.counts.Commands++
		reply, err := w.once(ctx, subject, cmd)
		if errors.Is(err, store.ErrAway) {
			w.counts.Away++
			continue
		}
		if w.chance(losesAnswer) {
			w.counts.Repeated++
			continue
		}
		if err != nil { // as it would come over the bus
			reply = &busv1.Reply{Outcome: bus.Failed(err)}
		}
		return reply, bus.Failure(reply)
	}
	w.t.Errorf("command %v is never answered", cmd)
	return nil, errors.New("no answer")
}

func (w *world) once(ctx context.Context, subject string, cmd *busv1.Command) (*busv1.Reply, error) {
	cmd = proto.CloneOf(cmd)
	if shard, ok := w.subjects[subject]; ok {
		return w.decider(shard).sessions.DoRouted(ctx, cmd)
	}
	r := w.replicas[w.rng.IntN(len(w.replicas))]
	reply, err := r.sessions.Do(ctx, cmd, func(string) {})
	if passed, ok := errors.AsType[*session.PassOnError](err); ok {
		return w.decider(bus.Shard(passed.Room)).sessions.DoRouted(ctx, passed.Command)
	}
	return reply, err
}

// decider is who hears the commands of a shard's rooms.
func (w *world) decider(shard int) *replica {
	if f := w.former[shard]; f != nil && w.chance(misled) {
		return f
	}
	return w.replicas[w.holder[shard]]
}

// deliver brings an event to the socket that owns its session, unless it gets lost.
func (w *world) deliver(e *busv1.Event) {
	c := w.sessions[e.GetSessionId()]
	if c == nil || c.edge < 0 {
		return
	}
	if w.chance(losesEvent) {
		w.counts.EventsLost++
		return
	}
	c.hear(e)
	if w.chance(twice) {
		c.hear(e)
	}
}

// gate has the commands of other goroutines wait for the world's, so that they are carried out in an order that does not depend
// on theirs.
type gate struct {
	requests chan gated
	users    atomic.Int32 // goroutines that may come
}

type gated struct {
	subject string
	cmd     *busv1.Command
	answer  chan gatedReply
}

type gatedReply struct {
	reply *busv1.Reply
	err   error
}

// Do is called by those goroutines.
func (g *gate) Do(_ context.Context, subject string, cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
	answer := make(chan gatedReply, 1)
	g.requests <- gated{subject, cmd, answer}
	a := <-answer
	return a.reply, a.err
}

// serve carries out what waits. It is false if nothing did, and everyone sleeps.
func (g *gate) serve(w *world) bool {
	if g.users.Load() == 0 {
		return false
	}
	var waiting []gated
	for {
		synctest.Wait()
		select {
		case r := <-g.requests:
			waiting = append(waiting, r)
			continue
		default:
		}
		break
	}
	slices.SortFunc(waiting, func(a, b gated) int {
		return cmp.Or(cmp.Compare(a.cmd.GetId(), b.cmd.GetId()))
	})
	for _, r := range waiting {
		reply, err := w.Do(w.ctx, r.subject, r.cmd, nil)
		r.answer <- gatedReply{reply, err}
	}
	return len(waiting) > 0
}

// commandID is one that has not been yet.
func (w *world) commandID() string {
	w.counts.order++
	return fmt.Sprintf("c%d", w.counts.order)
}
