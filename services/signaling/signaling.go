// Package signaling is the edge: it speaks the Janus API with endpoints and commands with roomstate.
package signaling

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/certs/expiry"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/ops"
	"github.com/cardea-rtc/cardea/proto/reread"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/traces"
	edgebus "github.com/cardea-rtc/cardea/services/signaling/internal/bus"
	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
	"github.com/cardea-rtc/cardea/services/signaling/internal/limit"
)

// Version is set when images are built.
var Version = "dev"

// pollTime is how long a long poll waits for events, as at Janus.
const pollTime = 30 * time.Second

// Run is an edge until ctx ends.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	name := cfg.Name
	if name == "" {
		name, _ = os.Hostname()
	}
	log = log.With("edge", name)
	auth, err := readAuth(cfg, log)
	if err != nil {
		return err
	}
	adminSecret, err := reread.OpenSecret("admin-secret-file", cfg.AdminSecretFile, log)
	if err != nil {
		return err
	}
	files, err := settings.Certificates(&cfg)
	if err != nil {
		return err
	}
	metrics := ops.NewRegistry()
	expiry.Show(metrics, files)
	refusals := limit.NewRefusals(metrics, log)
	listeners, err := listen(ctx, cfg, refusals, log)
	if err != nil {
		return err
	}
	defer listeners.close()
	internal, err := ops.Listen(ctx, cfg.OpsListen)
	if err != nil {
		return err
	}
	defer internal.Close()

	nc, err := cfg.NATS.Connect("signaling "+name, log)
	if err != nil {
		return err
	}
	defer nc.Close()
	ops.ShowUp(metrics, "cardea_edge_nats_up", "1 while this edge is connected to NATS, else 0.", nc.IsConnected)
	stopLevel, err := bus.FollowLogLevel(nc, cfg.Level)
	if err != nil {
		return err
	}
	defer stopLevel()
	eb, err := edgebus.New(nc, log)
	if err != nil {
		return err
	}
	defer eb.Close()

	tracer, err := traces.Open(cfg.Traces, traces.Service{Name: "signaling", Instance: name, Version: Version}, metrics, log)
	if err != nil {
		return err
	}
	defer tracer.Close()
	emitter, err := events.New(cfg.Events, name, nc, metrics, log)
	if err != nil {
		return err
	}
	stopTweaks, err := bus.FollowTweaks(nc, emitter.Tweak)
	if err != nil {
		return err
	}
	defer stopTweaks()
	about := info(cfg, auth, emitter != nil)
	emitter.Emit(events.Event{Type: events.Core, Subtype: events.Startup, Event: events.Object{"status": "started", "info": about}})
	e := edge.New(eb, edge.Options{
		Name: name, Bundles: eb.Bundles(), Auth: auth, Info: about, AnswerTimeout: cfg.AnswerTimeout,
		SocketPending: cfg.SocketPending, SocketSessions: cfg.SocketSessions, Sessions: cfg.MaxSessions,
		SessionPolls: cfg.SessionPolls, PollTime: pollTime, OpaqueIDs: cfg.OpaqueIDInAPI, Events: emitter, Traces: tracer,
		SessionPending: cfg.SessionPending, SessionRate: cfg.SessionRate, Refusals: refusals, Holds: cfg.holds(),
	}, edge.NewMetrics(metrics), log)
	servers := newServers(cfg, e, refusals, metrics, log)
	servers.admit(cfg, &edge.Admin{
		Edge: e, Secret: adminSecret, Handlers: handlers(cfg),
		Tweak: func(kinds string) error { return nc.Publish(bus.Tweaks, []byte(kinds)) },
	}, metrics, log)
	status := &ops.Server{Metrics: metrics, Log: log, Ready: func() error {
		if !nc.IsConnected() {
			return errors.New("NATS: not connected")
		}
		return nil
	}}
	listeners.tell(cfg.Listening, log)
	tasks := []func(context.Context) error{
		func(ctx context.Context) error { eb.Run(ctx, e); return nil },
		func(ctx context.Context) error { return status.Serve(ctx, internal) },
	}
	for scheme, l := range listeners {
		tasks = append(tasks, func(ctx context.Context) error { return servers.of(scheme)(ctx, l) })
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx)) // of the edge's end too
	defer stop()
	wg.Go(func() { emitter.Run(delivering) })
	err = serve(ctx, tasks, e, servers, log)
	emitter.Emit(events.Event{Type: events.Core, Subtype: events.Shutdown, Event: events.Object{"status": "shutdown", "signum": 0}})
	return err
}

// serve runs the tasks until ctx or one of them ends. Then endpoints are told first, while answers can still be had.
func serve(ctx context.Context, tasks []func(context.Context) error, e *edge.Edge, servers *servers, log *slog.Logger) error {
	runCtx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var wg sync.WaitGroup
	for _, task := range tasks {
		wg.Go(func() {
			if err := task(runCtx); err != nil {
				stop(err)
			}
		})
	}
	select {
	case <-ctx.Done():
	case <-runCtx.Done():
	}
	began := time.Now()
	log.Info("ending", "sockets", servers.ws.Sockets(), "admin_sockets", servers.adminWS.Sockets())
	e.Drain()
	servers.ws.Close()
	servers.adminWS.Close()
	stop(nil)
	wg.Wait()
	e.Close()
	log.Info("ended", "took_ms", time.Since(began).Milliseconds())
	if err := context.Cause(runCtx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
