package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/media"
	"github.com/cardea-rtc/cardea/services/roomstate"
	"github.com/cardea-rtc/cardea/services/signaling"
)

// config is what can be set; the tags are its documentation. It has every setting of the three services, by the same name, but
// those that the test beside it lists with a reason each.
type config struct {
	PageListen string `help:"Address of the page; over HTTPS, if there is a certificate." default:":8080" form:"listen"`
	JanusURL   string `help:"Tell the page to use this address for the Janus API. Default: its own host, port of --listen or --wss-listen." name:"janus-url"`
	PageOnly   bool   `help:"Serve nothing but the page."`

	Signaling signaling.Common `embed:""`
	Roomstate roomstate.Common `embed:""`
	Media     media.Common     `embed:""`

	DemoRoom bool          `help:"Have a room 1234." default:"true" negatable:""`
	Traces   traces.Config `embed:""`
	Events   events.Config `embed:""`

	OpsListen          string `help:"Internal address for health and metrics of the edge." default:"127.0.0.1:9090" form:"listen"`
	RoomstateOpsListen string `help:"The same of roomstate." default:"127.0.0.1:9091" form:"listen"`
	MediaOpsListen     string `help:"The same of the media node." default:"127.0.0.1:9092" form:"listen"`

	settings.Logging
}

// serveAll runs the stores and the services, until ctx ends or one of them fails.
func serveAll(ctx context.Context, cfg config, log *slog.Logger) error {
	bus, err := startNATS()
	if err != nil {
		return err
	}
	defer func() { bus.Shutdown(); bus.WaitForShutdown() }()
	store, stopStore, err := startStore(ctx)
	if err != nil {
		return err
	}
	defer stopStore()

	rs, md, sg, err := serviceConfigs(cfg, bus.ClientURL(), "redis://"+store.Addr())
	if err != nil {
		return err
	}
	// Stopped in this order: the edge first, so that endpoints are told, the page with it.
	layers := [][]func(context.Context) error{
		{
			func(ctx context.Context) error { return signaling.Run(ctx, sg, log) },
			func(ctx context.Context) error { return servePage(ctx, cfg, log) },
		},
		{func(ctx context.Context) error { return media.Run(ctx, md, log) }},
		{func(ctx context.Context) error { return roomstate.Run(ctx, rs, log) }},
	}
	return runLayers(ctx, layers)
}

// runLayers runs everything at once. When ctx ends or anything returns, layers are stopped one after another, each
// when the one before has ended.
func runLayers(ctx context.Context, layers [][]func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	errEnded := errors.New("ended")
	var stops []func()
	for _, layer := range layers {
		layerCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		var wg sync.WaitGroup
		for _, run := range layer {
			wg.Go(func() {
				if err := run(layerCtx); err != nil {
					cancel(err)
					return
				}
				cancel(errEnded)
			})
		}
		stops = append(stops, func() { stop(); wg.Wait() })
	}
	<-ctx.Done()
	for _, stop := range stops {
		stop()
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, errEnded) {
		return err
	}
	return nil
}

func startNATS() (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "standalone", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, errors.New("start NATS: not ready within 10 s")
	}
	return s, nil
}

// serviceConfigs are the services' settings: cfg's, and what is so in one process.
func serviceConfigs(cfg config, natsURL, redisURL string) (rs roomstate.Config, md media.Config, sg signaling.Config, err error) {
	for _, target := range []any{&rs, &md, &sg} {
		if err := settings.Defaults(target); err != nil {
			return rs, md, sg, err
		}
		if err := settings.Share(target, &cfg); err != nil {
			return rs, md, sg, err
		}
	}
	rs.NATSURL, md.NATSURL, sg.NATSURL, rs.RedisURL = natsURL, natsURL, natsURL, redisURL
	rs.OpsListen, md.OpsListen = cfg.RoomstateOpsListen, cfg.MediaOpsListen
	rs.Forgets = true
	md.GRPCListen = "127.0.0.1:0"
	md.DrainTimeout = 0  // there is no other node
	sg.Level = cfg.Level // the logger of all three, so one is enough
	for _, service := range []interface{ Validate() error }{rs, sg} {
		if err := service.Validate(); err != nil {
			return rs, md, sg, err
		}
	}
	return rs, md, sg, nil
}
