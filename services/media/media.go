// Package media is a media node: it receives what publishers send and forwards it to subscribers. Roomstate tells it
// what to do by gRPC; it tells roomstate what happens over NATS.
package media

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	protobus "github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/certs/expiry"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/mutual"
	"github.com/cardea-rtc/cardea/proto/ops"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/media/internal/bus"
	"github.com/cardea-rtc/cardea/services/media/internal/keep"
	"github.com/cardea-rtc/cardea/services/media/internal/keeping"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/rpc"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

const (
	repeatAfter = time.Second     // of an event that has no answer
	closeGrace  = 2 * time.Second // for saying goodbye to endpoints
)

// Run is a media node until ctx ends. It returns when all that it started has ended: peers closed, roomstate told.
func Run(ctx context.Context, cfg Config, log *slog.Logger) (err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return err
	}
	log = log.With("node", cfg.Name)
	if cfg.Advertise, err = cfg.addresses(ctx); err != nil {
		return err
	}
	dial, serve, err := cfg.GRPC.Open(log)
	if err != nil {
		return err
	}
	nc, err := cfg.NATS.Connect("media "+cfg.Name, log)
	if err != nil {
		return err
	}
	defer nc.Close()
	stopLevel, err := protobus.FollowLogLevel(nc, cfg.Level)
	if err != nil {
		return err
	}
	defer stopLevel()
	requests, err := protobus.NewRequester(nc, repeatAfter)
	if err != nil {
		return err
	}
	defer func() { _ = requests.Close() }()

	grpcListener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.GRPCListen)
	if err != nil {
		return fmt.Errorf("gRPC listener: %w", err)
	}
	defer func() { _ = grpcListener.Close() }()
	opsListener, err := ops.Listen(ctx, cfg.OpsListen)
	if err != nil {
		return err
	}
	defer func() { _ = opsListener.Close() }()
	files, err := settings.Certificates(&cfg)
	if err != nil {
		return err
	}
	metrics := ops.NewRegistry()
	expiry.Show(metrics, files)
	ops.ShowUp(metrics, "cardea_media_nats_up", "1 while this node is connected to NATS, else 0.", nc.IsConnected)
	id := rand.Text()
	tracer, err := traces.Open(cfg.Traces, traces.Service{Name: "media", Instance: id, Version: Version}, metrics, log)
	if err != nil {
		return err
	}
	defer tracer.Close()
	emitter, err := events.New(cfg.Events, cfg.Name, nc, metrics, log)
	if err != nil {
		return err
	}
	stopTweaks, err := protobus.FollowTweaks(nc, emitter.Tweak)
	if err != nil {
		return err
	}
	defer stopTweaks()
	observations, ended := observe(emitter)
	defer ended()
	beside, err := openBeside(cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, beside.close()) }()
	group, err := transport.Listen(transport.Config{
		Port: cfg.UDPPort, Workers: cfg.Workers, TCP: cfg.TCP, Advertise: cfg.Advertise, Log: log,
	})
	if err != nil {
		return err
	}
	if cfg.Listening != nil {
		cfg.Listening(Addresses{GRPC: grpcListener.Addr().String(), Ops: opsListener.Addr().String(), Media: group.Port()})
	}
	s := &service{
		dial: dial, serve: serve,
		id: id, requests: requests, cfg: cfg, beside: beside, log: log, nats: nc, group: group, registry: metrics,
		events: bus.NewEvents(cfg.Name, id, requests, tracer, log), traces: tracer,
	}
	s.address = advertised(cfg, grpcListener.Addr())
	relayAddress, err := cfg.relayAddress()
	if err != nil {
		return err
	}
	lines := &rpc.Nodes{Credentials: dial}
	s.node = node.New(group, node.Config{
		Address: s.address, Cluster: lines, RelayAddress: relayAddress, MaxRelays: cfg.MaxRelays,
		MaxPeers: cfg.MaxPeers, NoMedia: time.Duration(cfg.NoMediaTimer) * time.Second,
		SlowLinkThreshold: cfg.SlowLinkThreshold, Events: s.events, Log: log,
		Recordings: beside.recordings, Outlet: beside.outlet, Inlet: beside.inlet, Captures: beside.captures,
		Observer: observations.Observer(), StatsEvery: time.Duration(cfg.EventsStatsPeriod) * time.Second,
	})
	stopSettings, err := protobus.FollowMediaSettings(nc, s.apply)
	if err != nil {
		return err
	}
	defer stopSettings()
	others, stopHearing, err := bus.HearOthers(nc, id, log)
	if err != nil {
		return err
	}
	defer stopHearing()
	s.vault = keep.NewVault(group.Now)
	s.holder = &keeping.Holder{ID: id, Name: cfg.Name, Node: s.node, Others: others, Lines: lines, Requests: requests, Log: log}
	s.texts = &bus.Texts{Conn: nc, Name: cfg.Name, Node: s.node, Log: log}
	log.Info("media node runs", "port", group.Port(), "workers", len(group.Workers()), "grpc", grpcListener.Addr().String())
	return s.run(ctx, grpcListener, opsListener)
}

// observe has event handlers told what peers do. It is to be ended when no peer is left.
func observe(emitter *events.Emitter) (o *bus.Observations, end func()) {
	o = bus.NewObservations(emitter)
	observing, endObserving := stage(func(context.Context) error { o.Run(); return nil }, nil)
	delivering, endDelivering := stage(func(ctx context.Context) error { emitter.Run(ctx); return nil }, nil)
	return o, func() {
		o.Close()
		observing.Wait()
		endObserving()
		endDelivering()
		delivering.Wait()
	}
}

// service is the parts of a node that runs.
type service struct {
	id       string // of this process: never the same again
	requests *protobus.Requester
	cfg      Config
	log      *slog.Logger
	nats     *nats.Conn
	group    *transport.Group
	node     *node.Node
	events   *bus.Events
	traces   *traces.Tracer
	texts    *bus.Texts
	vault    *keep.Vault // of other nodes' peers
	holder   *keeping.Holder

	address  string             // of the gRPC API, as others know it
	dial     mutual.Credentials // of other nodes
	serve    mutual.Credentials
	registry *prometheus.Registry
	beside   beside
}

// apply takes what administrators have set.
func (s *service) apply(settings *busv1.MediaSettings) {
	timer, threshold := s.cfg.timers(settings)
	s.node.SetNoMedia(time.Duration(timer) * time.Second)
	s.node.SetSlowLinkThreshold(threshold)
}

// run starts the parts, and stops them in reverse when ctx or one of them ends: first the API, then the beats, then
// the peers, and last what tells of them.
func (s *service) run(ctx context.Context, grpcListener, opsListener net.Listener) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	events, endEvents := stage(func(ctx context.Context) error { s.events.Run(ctx); return nil }, fail)
	peers, endPeers := stage(s.node.Run, fail)
	texts, endTexts := stage(s.texts.Run, fail)
	keeper, endKeeper := stage(s.keep, fail)
	beats, endBeats := stage(func(ctx context.Context) error { s.beats().Run(ctx); return nil }, fail)
	internal, endInternal := stage(func(ctx context.Context) error { return s.ops().Serve(ctx, opsListener) }, fail)
	api, endAPI := stage(func(ctx context.Context) error {
		return rpc.New(s.node, s.vault, s.id, s.address, s.dial, s.serve, s.traces, s.log).Serve(ctx, grpcListener)
	}, fail)

	<-ctx.Done()
	s.node.Leave()
	if errors.Is(context.Cause(ctx), context.Canceled) {
		s.leave()
	}
	endKeeper()
	keeper.Wait()
	endBeats()
	beats.Wait()
	endAPI()
	api.Wait()
	s.closePeers()
	endTexts()
	texts.Wait()
	endPeers()
	peers.Wait()
	endEvents()
	events.Wait()
	endInternal()
	internal.Wait()
	s.log.Info("media node has ended")
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// stage runs one part until its own end is called. A part that ends with an error ends all.
func stage(run func(context.Context) error, fail context.CancelCauseFunc) (*sync.WaitGroup, context.CancelFunc) {
	ctx, end := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil {
			fail(err)
		}
	})
	return &wg, end
}

func (s *service) closePeers() {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	if err := s.node.CloseAll(ctx, "Shutdown"); err != nil {
		s.log.Warn("close peers", "err", err)
	}
}

func (s *service) beats() *bus.Beats {
	return &bus.Beats{
		Conn: s.nats, ID: s.id, Name: s.cfg.Name, GRPCAddress: s.address, Log: s.log,
		Capacity: bus.Capacity{Packets: s.cfg.CapacityPackets, Bits: s.cfg.CapacityBits, Peers: s.cfg.MaxPeers}, Changed: s.node.DrainingChanged(),
		Serves: bus.Serves{
			ICETCP: s.cfg.TCP, IPv6: s.group.IPv6(), PublicIPs: s.cfg.Advertise,
			NoMediaTimer: s.cfg.NoMediaTimer, SlowLinkThreshold: s.cfg.SlowLinkThreshold,
			StatsPeriod: s.cfg.EventsStatsPeriod, TellsEvents: s.cfg.Events.On(), PostsEvents: s.cfg.Events.Backend != "",
		},
		Status: func() bus.Status {
			c, keeper := s.group.Counters(), s.holder.Keeper()
			lostIn, lostOut := s.node.Lost()
			return bus.Status{
				Peers: s.node.Peers(), Draining: s.node.Draining(), Keeper: keeper.ID, KeeperChange: keeper.Change,
				Packets: c.PacketsIn + c.PacketsOut, Bytes: c.BytesIn + c.BytesOut,
				LostIn: lostIn, LostOut: lostOut,
			}
		},
	}
}

// openRecordings returns nil if nothing is to be recorded.
// advertised is where others reach the gRPC API.
func advertised(cfg Config, listening net.Addr) string {
	if cfg.GRPCAdvertise != "" {
		return cfg.GRPCAdvertise
	}
	tcp := listening.(*net.TCPAddr)
	if !tcp.IP.IsUnspecified() {
		return tcp.String()
	}
	host, err := os.Hostname()
	if err != nil {
		return tcp.String()
	}
	return net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

func (s *service) ops() *ops.Server {
	return &ops.Server{
		Metrics: s.metrics(), Log: s.log,
		Ready: func() error {
			switch {
			case s.node.Draining():
				return errors.New("draining")
			case !s.nats.IsConnected():
				return errors.New("no connection to NATS")
			}
			return nil
		},
	}
}
