package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	front "github.com/cardea-rtc/cardea/services/roomstate/internal/bus"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/drain"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/nodes"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/owed"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/room"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/session"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

// replica is one of roomstate.
type replica struct {
	number   int
	seen     *view
	keeper   *room.Keeper
	sessions *session.Service
	worker   *owed.Worker
	burial   *owed.Burial
	relief   *drain.Relief
}

func newReplica(w *world, number int, rules *videoroom.Plugin, log *slog.Logger) *replica {
	r := &replica{number: number}
	registry := nodes.New(nowhere{}, nowhere{}, log)
	registry.Draw = func(n int) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.rng.IntN(n)
	}
	r.seen = &view{Registry: registry, w: w, dead: map[string]bool{}}
	plugins := map[string]plugin.Plugin{rules.Name(): rules}
	publish := func(e *busv1.Event) { w.published = append(w.published, proto.CloneOf(e)) }
	publishRaised := func(raised *store.Raised) {
		for _, run := range raised.Runs {
			for _, e := range run.Events() {
				publish(e)
			}
		}
	}
	owe := func(tasks []store.OwedTask) { w.owe(r, tasks) }
	r.keeper = &room.Keeper{
		Store: w.store, Nodes: r.seen, Plugins: plugins, Publish: publishRaised, Owe: owe, Log: log,
		Send: func([]plugin.Text) {}, Post: func([]plugin.Post) {}, Stale: func() { w.counts.Stale++ },
	}
	owner := &front.Owner{Keeper: r.keeper, Holds: func(shard int) bool { return w.holder[shard] == number }}
	r.sessions = &session.Service{
		Store: w.store, Rooms: owner, Plugins: plugins, Timeouts: store.Timeouts{Session: sessionTimeout},
		Publish: publish, Owe: owe, Log: log,
	}
	r.worker = owed.New(owed.Worker{Store: w.store, Nodes: r.seen, Requests: w, Log: log})
	r.burial = &owed.Burial{Store: w.store, Nodes: r.seen, Requests: &w.gate, Log: log}
	r.relief = &drain.Relief{Store: w.store, Nodes: r.seen, Requests: w, Replica: fmt.Sprint(number), Log: log}
	return r
}

// view is the nodes as a replica knows them: the registry, whose connections are calls of functions here.
type view struct {
	*nodes.Registry
	w    *world
	dead map[string]bool // as far as this replica has found out
}

func (v *view) Alive(id string) bool {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	return !v.dead[id]
}

func (v *view) Deaths() uint64 {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	return uint64(len(v.dead))
}

func (v *view) Call(_ context.Context, id string, request proto.Message) (proto.Message, error) {
	return v.w.call(id, request)
}

// nowhere is neither a directory nor a bus: nodes are heard by calls.
type nowhere struct{}

func (nowhere) KnowNode(context.Context, string, string) error   { return nil }
func (nowhere) Nodes(context.Context) (map[string]string, error) { return nil, errors.New("none") }
func (nowhere) ForgetNode(context.Context, string) error         { return nil }
func (nowhere) IsConnected() bool                                { return true }
func (nowhere) FlushWithContext(context.Context) error           { return nil }

// moveShards gives an eighth of the shards to the other replica. For some seconds commands still come to the former owner of half of
// them, whose lease is over.
func (w *world) moveShards() {
	for range bus.Shards / 8 {
		shard := w.rng.IntN(bus.Shards)
		before := w.replicas[w.holder[shard]]
		w.holder[shard] = (w.holder[shard] + 1) % len(w.replicas)
		before.keeper.Forget(func(room string) bool { return bus.Shard(room) == shard })
		w.counts.ShardsMoved++
		if w.chance(2) {
			w.former[shard] = before
			w.after(3*time.Second, func() { w.former[shard] = nil })
		}
	}
}
