// Package roomstate is the service that knows sessions, handles and rooms. It decides what requests do, has nodes carry
// it out, and keeps the outcome in Redis. Any number of replicas share the work.
package roomstate

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/certs/expiry"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/ops"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/admin"
	front "github.com/cardea-rtc/cardea/services/roomstate/internal/bus"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/drain"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/echotest"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/eventhandler"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/nodes"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/owed"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/post"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/room"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/session"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/shard"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/textroom"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videocall"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

const (
	// repeatAfter is when this replica repeats a command of its own.
	repeatAfter = 500 * time.Millisecond
	// grace is how long commands under way may take when the service ends.
	grace = 5 * time.Second
)

// Run is one replica: it serves until ctx ends, then hands its shards to others and returns.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	id := rand.Text()
	log = log.With("replica", id[:8])
	rules, err := cfg.rules(log)
	if err != nil {
		return err
	}
	video, text, allow, rooms := rules.video, rules.text, rules.allow, rules.rooms
	dial, _, err := cfg.GRPC.Open(log)
	if err != nil {
		return err
	}
	st, err := cfg.Redis.Open(log)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	nc, err := cfg.NATS.Connect("roomstate", log)
	if err != nil {
		return err
	}
	defer nc.Close()
	stopLevel, err := bus.FollowLogLevel(nc, cfg.Level)
	if err != nil {
		return err
	}
	defer stopLevel()
	requests, err := bus.NewRequester(nc, repeatAfter)
	if err != nil {
		return err
	}
	defer func() { _ = requests.Close() }()
	registry := nodes.New(st, nc, log)
	registry.DialWith(dial)
	defer registry.Close()
	files, err := settings.Certificates(&cfg)
	if err != nil {
		return err
	}
	metrics := ops.NewRegistry()
	expiry.Show(metrics, files)
	tracer, err := traces.Open(cfg.Traces, traces.Service{Name: "roomstate", Instance: id, Version: Version}, metrics, log)
	if err != nil {
		return err
	}
	defer tracer.Close()
	emitter, err := events.New(cfg.Events, "roomstate-"+id[:8], nc, metrics, log)
	if err != nil {
		return err
	}
	stopTweaks, err := bus.FollowTweaks(nc, emitter.Tweak)
	if err != nil {
		return err
	}
	defer stopTweaks()
	r := newReplica(id, cfg, video, text, post.New(allow, log), st, nc, requests, registry, metrics, emitter, tracer, log)
	if cfg.DemoRoom {
		rooms = append(rooms, demoRooms(video, text)...) // last: a room of the file comes first
	}
	r.static = rooms
	var wg sync.WaitGroup
	defer wg.Wait()
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx)) // of what the last commands bring about too
	defer stop()
	wg.Go(func() { emitter.Run(delivering) })
	return r.run(ctx)
}

// replica is the parts of one that runs.
type replica struct {
	cfg      Config
	log      *slog.Logger
	store    *store.Store
	nats     *nats.Conn
	requests *bus.Requester
	nodes    *nodes.Registry
	posts    *post.Poster
	metrics  *prometheus.Registry
	shards   *shard.Holder
	owed     *owed.Worker
	drain    *drain.Worker
	relief   *drain.Relief
	sessions *session.Service
	server   *front.Server
	census   *eventhandler.Census
	static   []staticRoom
	rooms    atomic.Int32 // that are to be there before this replica is ready
}

// newReplica connects the parts: commands come by server to sessions, which have what concerns rooms decided by the
// keeper, here or at the shard's owner.
func newReplica(id string, cfg Config, video *videoroom.Plugin, text *textroom.Plugin, posts *post.Poster, st *store.Store, nc *nats.Conn,
	requests *bus.Requester, registry *nodes.Registry, metrics *prometheus.Registry, emitter *events.Emitter, tracer *traces.Tracer, log *slog.Logger,
) *replica {
	plugins := map[string]plugin.Plugin{}
	for _, p := range []plugin.Plugin{video, text, echotest.New(), videocall.New()} {
		plugins[p.Name()] = p
	}
	holder := &shard.Holder{Replica: id, Shards: bus.Shards, Leases: st, Log: log}
	count := newCounters(metrics, holder.Count, posts)
	showStores(metrics, nc.IsConnected, st.Ping)
	publish := front.Publish(nc, log)
	worker := owed.New(owed.Worker{Store: st, Nodes: registry, Requests: requests, Log: log})
	keeper := &room.Keeper{
		Store: st, Nodes: registry, Plugins: plugins,
		Send: front.SendTexts(nc, count.Dropped, log), Post: posts.Post,
		Publish: front.PublishRaised(nc, log), Owe: worker.Owe, Stale: count.stale.Inc, Limited: count.Limited, Events: emitter, Log: log,
	}
	owner := &front.Owner{Holds: holder.Holds, Keeper: keeper}
	sessions := &session.Service{
		Store: st, Rooms: owner, Plugins: plugins,
		Timeouts: cfg.timeouts(), Limits: cfg.limits(), Limited: count.Limited,
		Admin: (&admin.Service{
			Store: st, Nodes: listed{registry}, Plugins: plugins, Timeouts: cfg.timeouts(), CandidatesTimeout: cfg.CandidatesTimeout,
			LogLevel:  func(level int) error { return nc.Publish(bus.LogLevel, []byte(strconv.Itoa(level))) },
			TellNodes: func(ctx context.Context) error { return tellNodes(ctx, st, nc) },
			Move: func(ctx context.Context, h plugin.HandleID, to string) error {
				return drain.Move(ctx, requests, h, "", to)
			},
		}).Do,
		Publish: publish, Owe: worker.Owe, Events: emitter, Log: log,
	}
	server := &front.Server{Conn: nc, Sessions: sessions, Counters: count, Info: info(cfg, st, registry, plugins), Log: log, Traces: tracer}
	shards := &front.Shards{Server: server}
	holder.Take = shards.Take
	holder.Drop = func(n int) {
		shards.Drop(n)
		keeper.Forget(func(room string) bool { return bus.Shard(room) == n })
	}
	return &replica{
		cfg: cfg, log: log, store: st, nats: nc, requests: requests, nodes: registry, posts: posts, metrics: metrics,
		shards: holder, owed: worker, sessions: sessions, server: server,
		drain:  &drain.Worker{Store: st, Nodes: registry, Requests: requests, Replica: id, Log: log},
		relief: &drain.Relief{Store: st, Nodes: registry, Requests: requests, Replica: id, Log: log},
		census: &eventhandler.Census{
			Events: emitter, Holds: holder.Holds, Store: st, Nodes: registry, Every: eventhandler.CensusEvery, Log: log,
		},
	}
}

// run serves until ctx or a part ends.
func (r *replica) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopBeats, err := front.HearBeats(r.nats, func(status *busv1.NodeStatus) {
		if r.nodes.Heard(status, time.Now()) {
			r.nodes.Learn(ctx) // tells the other replicas
			if err := tellNodes(ctx, r.store, r.nats); err != nil {
				r.log.Warn("node not told what is set", "node", status.GetId(), "err", err)
			}
		}
	}, r.log)
	if err != nil {
		return err
	}
	defer stopBeats()
	if err := r.server.Start(ctx); err != nil {
		return err
	}
	// Deferred calls run last in, first out: shards go to others while commands under way are still finished.
	defer r.server.Stop(grace)

	r.nodes.Learn(ctx)
	burial := &owed.Burial{Store: r.store, Nodes: r.nodes, Requests: r.requests, Log: r.log}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() { r.shards.Run(ctx) })
	wg.Go(func() { r.sessions.Sweep(ctx) })
	wg.Go(func() { r.owed.Run(ctx) })
	wg.Go(func() { r.drain.Run(ctx) })
	wg.Go(func() { r.relief.Run(ctx) })
	wg.Go(func() { r.posts.Run(ctx) })
	wg.Go(func() { r.census.Run(ctx) })
	wg.Go(func() { r.nodes.Watch(ctx, burial.Bury) })
	if len(r.static) > 0 {
		r.rooms.Add(1)
		wg.Go(func() { makeRooms(ctx, r.requests, r.static, func() { r.rooms.Add(-1) }, r.log) })
	}
	if r.cfg.OpsListen != "" {
		l, err := ops.Listen(ctx, r.cfg.OpsListen)
		if err != nil {
			return err
		}
		srv := &ops.Server{Metrics: r.metrics, Ready: r.ready, Log: r.log}
		wg.Go(func() {
			if err := srv.Serve(ctx, l); err != nil {
				cancel(err)
			}
		})
	}
	r.log.Info("serving", "redis", r.cfg.Redis.Servers(), "nats", r.cfg.NATS.Servers())
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// ready says what is missing to take work. Nodes are no part of it: sessions work without.
func (r *replica) ready() error {
	if !r.nats.IsConnected() {
		return errors.New("NATS is away")
	}
	if r.rooms.Load() > 0 {
		return errors.New("rooms are not made yet")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return r.store.Ping(ctx)
}
