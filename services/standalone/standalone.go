package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/media"
	"github.com/cardea-rtc/cardea/services/roomstate"
	"github.com/cardea-rtc/cardea/services/signaling"
	"github.com/cardea-rtc/cardea/services/standalone/web"
)

// config is what can be set; the tags are its documentation. Whatever else the services can be told has its default.
type config struct {
	PageListen            string         `help:"Address of the page." default:":8080"`
	Listen                string         `help:"Address of the Janus API over WebSocket." default:":8188"`
	HTTPListen            string         `help:"Address of the Janus API over HTTP, with long polls; empty for none." default:":8088" name:"http-listen"`
	APISecretFile         string         `help:"File with the apisecret that requests must carry." name:"api-secret-file" type:"existingfile"`
	TokenAuth             bool           `help:"Requests must carry a token, stored by the Admin API or signed."`
	TokenSecretFile       string         `help:"File with the secret that tokens are signed with, of the API and of VideoRooms with signed_tokens. Default: the API's are stored." type:"existingfile" placeholder:"FILE"`
	AdminListen           string         `help:"Address of the Admin API over WebSocket; empty for none." default:"127.0.0.1:7188"`
	AdminHTTPListen       string         `help:"Address of the Admin API over HTTP; empty for none." default:"127.0.0.1:7088" name:"admin-http-listen"`
	AdminSecretFile       string         `help:"File with the admin_secret of the Admin API." type:"existingfile"`
	UDPPort               uint16         `help:"Port for media: UDP, and ICE-TCP on the same number." default:"10000" name:"udp-port"`
	Advertise             []netip.Addr   `help:"IP addresses that browsers are told to send media to. Default: those of this machine's interfaces."`
	OpsListen             string         `help:"Internal address for health and metrics of the edge." default:"127.0.0.1:9090"`
	RoomstateOpsListen    string         `help:"The same of roomstate." default:"127.0.0.1:9091"`
	MediaOpsListen        string         `help:"The same of the media node." default:"127.0.0.1:9092"`
	DemoRoom              bool           `help:"Have a room 1234." default:"true" negatable:""`
	RoomsFile             string         `help:"YAML file of VideoRooms (rooms) and TextRooms (textrooms) to make at start." type:"existingfile" placeholder:"FILE"`
	StringIDs             bool           `help:"VideoRooms and participants are named by strings instead of integers." name:"string-ids"`
	TextStringIDs         bool           `help:"TextRooms are named by strings instead of integers." name:"text-string-ids"`
	AdminKey              string         `help:"Key that VideoRoom's create requires; empty for none." secret:""`
	SessionTimeout        time.Duration  `help:"A session without a request ends after." default:"60s"`
	ReclaimSessionTimeout time.Duration  `help:"A session whose socket has closed waits for a claim; 0 ends it at once." default:"0s"`
	JanusURL              string         `help:"Tell the page to use this address for the Janus API. Default: its own host, port of --listen." name:"janus-url"`
	PageOnly              bool           `help:"Serve nothing but the page."`
	PcapDir               string         `help:"Existing folder in which administrators may have decrypted packets of single handles written." type:"path"`
	RecordDir             string         `help:"Folder for recordings; nothing is recorded without one." type:"path" placeholder:"DIR"`
	ForwardTo             []netip.Prefix `help:"Networks that rtp_forward and publish_remotely may send to; none by default." placeholder:"CIDR"`
	RemoteFrom            []netip.Prefix `help:"Networks that media of remote publishers may come from; none by default, and there are no remote publishers then." placeholder:"CIDR"`
	RemoteAddress         netip.Addr     `help:"IP address that their ports are opened on, and that add_remote_publisher says. Default: any." placeholder:"IP"`
	RemotePorts           media.Ports    `help:"Their UDP ports, two for each." default:"20000-20999" placeholder:"FIRST-LAST"`
	OpaqueIDInAPI         bool           `help:"Events and plugins' answers tell the opaque_id of the handle." name:"opaqueid-in-api"`
	Events                events.Config  `embed:""`

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

func serviceConfigs(cfg config, natsURL, redisURL string) (rs roomstate.Config, md media.Config, sg signaling.Config, err error) {
	for _, target := range []any{&rs, &md, &sg} {
		if err := settings.Defaults(target); err != nil {
			return rs, md, sg, err
		}
	}
	rs.Events, md.Events, sg.Events = cfg.Events, cfg.Events, cfg.Events
	rs.NATSURL, rs.RedisURL, rs.OpsListen = natsURL, redisURL, cfg.RoomstateOpsListen
	sg.Level = cfg.Level // the logger of all three, so one is enough
	rs.DemoRoom, rs.SessionTimeout, rs.ReclaimSessionTimeout = cfg.DemoRoom, cfg.SessionTimeout, cfg.ReclaimSessionTimeout
	rs.TextStringIDs = cfg.TextStringIDs
	rs.RoomsFile, rs.StringIDs, rs.AdminKey, rs.TokenSecretFile, rs.Forgets = cfg.RoomsFile, cfg.StringIDs, cfg.AdminKey, cfg.TokenSecretFile, true
	md.NATSURL, md.GRPCListen, md.OpsListen = natsURL, "127.0.0.1:0", cfg.MediaOpsListen
	md.PcapDir, md.RecordDir, md.ForwardTo = cfg.PcapDir, cfg.RecordDir, cfg.ForwardTo
	md.RemoteFrom, md.RemoteAddress, md.RemotePorts = cfg.RemoteFrom, cfg.RemoteAddress, cfg.RemotePorts
	md.UDPPort, md.Advertise = cfg.UDPPort, cfg.Advertise
	md.DrainTimeout = 0 // there is no other node
	sg.NATSURL, sg.Listen, sg.OpsListen = natsURL, cfg.Listen, cfg.OpsListen
	sg.HTTPListen, sg.AdminListen, sg.AdminHTTPListen = cfg.HTTPListen, cfg.AdminListen, cfg.AdminHTTPListen
	sg.AdminSecretFile, sg.APISecretFile = cfg.AdminSecretFile, cfg.APISecretFile
	sg.OpaqueIDInAPI = cfg.OpaqueIDInAPI
	sg.TokenAuth, sg.TokenSecretFile = cfg.TokenAuth, cfg.TokenSecretFile
	if err := sg.Validate(); err != nil {
		return rs, md, sg, err
	}
	return rs, md, sg, nil
}

// servePage serves the page until ctx ends.
func servePage(ctx context.Context, cfg config, log *slog.Logger) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.PageListen)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	_, portText, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q: %w", cfg.Listen, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return fmt.Errorf("--listen %q: %w", cfg.Listen, err)
	}
	log.Info("open the page", "url", pageURL(l.Addr()))
	return web.Serve(ctx, l, web.Janus{URL: cfg.JanusURL, Port: port, SecurePort: 8989}, log)
}

// pageURL is an address that works in a browser on this machine.
func pageURL(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", tcp.Port)
	}
	return "http://" + a.String()
}
