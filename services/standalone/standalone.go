package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
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
	PageListen string `help:"Address of the page; over HTTPS, if there is a certificate." default:":8080"`
	JanusURL   string `help:"Tell the page to use this address for the Janus API. Default: its own host, port of --listen or --wss-listen." name:"janus-url"`
	PageOnly   bool   `help:"Serve nothing but the page."`

	Listen          string        `help:"Address of the Janus API over WebSocket." default:":8188"`
	WSSListen       string        `help:"Address of the same over TLS, if there is a certificate." default:":8989" name:"wss-listen"`
	HTTPListen      string        `help:"Address of the Janus API over HTTP, with long polls; empty for none." default:":8088" name:"http-listen"`
	HTTPSListen     string        `help:"Address of the same over TLS, if there is a certificate; empty for none." default:":8089" name:"https-listen"`
	HTTPPath        string        `help:"Path under which HTTP answers." default:"/janus" name:"http-path"`
	TLSCert         string        `help:"File with the certificate chain, PEM. It and its key are read again when they change." name:"tls-cert" type:"existingfile"`
	TLSKey          string        `help:"File with the certificate's key, PEM." name:"tls-key" type:"existingfile"`
	Origins         []string      `help:"Web origins whose pages may connect, over WebSocket and HTTP. Default: all."`
	APISecretFile   string        `help:"File with the apisecret that requests must carry; read again when it changes." name:"api-secret-file" type:"existingfile"`
	TokenAuth       bool          `help:"Requests must carry a token, stored by the Admin API or signed; if there is an apisecret too, either will do."`
	TokenSecretFile string        `help:"File with the secret that tokens are signed with, of the API and of VideoRooms with signed_tokens; read again when it changes. Default: the API's are stored." type:"existingfile" placeholder:"FILE"`
	JWTSecretFile   string        `help:"File with the secret, of 32 bytes or more, that tokens are JWTs of HS256 under; read again when it changes. Beside --token-secret-file, either kind will do." name:"jwt-secret-file" type:"existingfile" placeholder:"FILE"`
	JWTKeysFile     string        `help:"JWK Set with the public keys that tokens are JWTs of RS256 or ES256 under; read again when it changes." name:"jwt-keys-file" type:"existingfile" placeholder:"FILE"`
	JWTIssuer       string        `help:"What iss of JWTs must be; empty for anything." name:"jwt-issuer"`
	JWTAudience     string        `help:"What aud of JWTs must name; empty for anything." name:"jwt-audience"`
	JWTLeeway       time.Duration `help:"By how much clocks may differ where a JWT says its time." name:"jwt-leeway" default:"30s"`
	AdminListen     string        `help:"Address of the Admin API over WebSocket; empty for none." default:"127.0.0.1:7188"`
	AdminHTTPListen string        `help:"Address of the Admin API over HTTP; empty for none." default:"127.0.0.1:7088" name:"admin-http-listen"`
	AdminPath       string        `help:"Path under which the Admin API answers over HTTP." default:"/admin" name:"admin-path"`
	AdminSecretFile string        `help:"File with the admin_secret of the Admin API; read again when it changes. Must be set if that listens at others than loopback addresses." type:"existingfile"`
	ServerName      string        `help:"Shown by info." default:"Cardea"`
	OpaqueIDInAPI   bool          `help:"Events and plugins' answers tell the opaque_id of the handle." name:"opaqueid-in-api"`

	MaxSockets       int            `help:"Open WebSockets; and as many requests over HTTP, waiting long polls included." default:"100000"`
	MaxSessions      int            `help:"Sessions there may be." default:"200000"`
	SocketSessions   int            `help:"Sessions on one socket." default:"1000"`
	SocketPending    int            `help:"Requests under way on one socket before its next is read." default:"64"`
	SessionPolls     int            `help:"Long polls that wait for one session; a further one ends the oldest." default:"8"`
	MaxMessage       int64          `help:"Bytes in one message from an endpoint." default:"1048576"`
	MaxQueue         int64          `help:"Bytes of messages that wait for the reader of one socket; a slower one is cut off." default:"8388608"`
	WriteTimeout     time.Duration  `help:"How long a socket may take to take one message; a slower one is cut off." default:"10s"`
	TrustedProxies   []netip.Prefix `help:"Networks of proxies whose X-Forwarded-For says who asks; none by default, and then it is whom the connection is from." placeholder:"CIDR"`
	AddressSockets   int            `help:"Open WebSockets, and requests over HTTP under way, of one address, or IPv6 network of 64 bits; 0 for no limit. Beyond, 429." default:"10000"`
	AddressRate      int            `help:"New WebSockets and requests over HTTP a second of one address, or IPv6 network of 64 bits; ten seconds' worth may come at once; 0 for no limit. Beyond, 429." default:"1000"`
	SessionPending   int            `help:"Requests of one session under way; 0 for no limit." default:"1024"`
	SessionRate      int            `help:"Requests a second of one session, and of one socket that are of no session; ten seconds' worth may come at once; 0 for no limit." default:"1000"`
	MaxSDP           int            `help:"Bytes of an SDP; 0 for no limit but that of nodes, 262144." name:"max-sdp" default:"262144"`
	MaxSDPLines      int            `help:"Lines of an SDP; 0 for no limit." name:"max-sdp-lines" default:"20000"`
	MaxSDPSections   int            `help:"m= sections of an SDP; 0 for no limit but that of nodes, 128." name:"max-sdp-sections" default:"128"`
	MaxCandidates    int            `help:"Candidates in one trickle request; 0 for no limit. None is kept." default:"256"`
	HandleCandidates int            `help:"Candidates that one handle may trickle between two offers or answers; 0 for no limit." default:"2048"`
	AnswerTimeout    time.Duration  `help:"How long a request waits before it fails." default:"20s"`

	SessionTimeout        time.Duration `help:"A session without a request ends after this; 0 for never." default:"60s"`
	ReclaimSessionTimeout time.Duration `help:"A session whose socket has closed waits for a claim; 0 ends it at once." default:"0s"`
	CandidatesTimeout     time.Duration `help:"Told by info and get_status as candidates-timeout: at Janus, how long candidates are kept that come before their offer. It changes nothing here: no candidates of endpoints are needed, and none kept." default:"45s"`
	DemoRoom              bool          `help:"Have a room 1234." default:"true" negatable:""`
	RoomsFile             string        `help:"YAML file of VideoRooms (rooms) and TextRooms (textrooms) to make at start." type:"existingfile" placeholder:"FILE"`
	StringIDs             bool          `help:"VideoRooms and participants are named by strings instead of integers." name:"string-ids"`
	TextStringIDs         bool          `help:"TextRooms are named by strings instead of integers." name:"text-string-ids"`
	AdminKey              string        `help:"Key that create of VideoRoom and TextRoom requires and that shows private rooms; empty for none. As a flag it is seen by all who see this machine's processes: --admin-key-file is not." secret:""`
	AdminKeyFile          string        `help:"File with that key, instead; read again when it changes." type:"existingfile" placeholder:"FILE"`
	LockRTPForward        bool          `help:"VideoRoom's rtp_forward requires the admin key too." name:"lock-rtp-forward"`
	TextPostAllow         []string      `help:"Where TextRooms may post their messages to (post in create): hosts, addresses, networks such as 10.0.0.0/8, comma-separated; empty for nowhere."`
	MaxHandles            int           `help:"Handles a session may have; 0 for no limit." default:"1000"`
	MaxBody               int           `help:"Bytes a message's body may have; 0 for no limit." default:"262144"`
	MaxRooms              int           `help:"VideoRooms there may be; 0 for no limit." default:"10000"`
	SessionRooms          int           `help:"VideoRooms and TextRooms that one session may have made and that are still there, without the admin key; 0 for no limit." default:"100"`
	MaxTextRooms          int           `help:"TextRooms there may be; 0 for no limit." default:"10000"`
	MaxTextHistory        int           `help:"Messages that a TextRoom keeps for who joins later, whatever it is created with." default:"100"`
	MaxParticipants       int           `help:"Participants and subscriptions a VideoRoom may have, each, and participants a TextRoom may; 0 for no limit." default:"1000"`

	UDPPort           uint16         `help:"Port for media: UDP, and ICE-TCP on the same number." default:"10000" name:"udp-port"`
	TCP               bool           `help:"Accept ICE-TCP." name:"tcp" default:"true" negatable:""`
	Workers           int            `help:"Goroutines that move packets, each with a socket of its own on the port. Default: one for each CPU." placeholder:"N"`
	Advertise         []netip.Addr   `help:"IP addresses that browsers are told to send media to. Default: those of this machine's interfaces."`
	AdvertiseSTUN     []string       `help:"STUN servers that are asked at start by which IP address this machine is seen from outside, one after another; browsers are told that address after those of --advertise. If none answers, there is no start." name:"advertise-stun" placeholder:"HOST:PORT"`
	MaxPeers          int            `help:"PeerConnections that are taken at most." default:"10000"`
	CapacityPackets   uint64         `help:"Packets a second, received and sent, up to which there is new work. Default: 250000 for each worker." placeholder:"N"`
	CapacityBits      uint64         `help:"Bits a second, likewise; 0 for no limit." default:"10000000000"`
	NoMediaTimer      uint32         `help:"Seconds without media until the client is told; 0 for never." name:"no-media-timer" default:"1"`
	SlowLinkThreshold uint32         `help:"Packets lost in a second from which the client is told; 0 for never." name:"slowlink-threshold" default:"0"`
	PcapDir           string         `help:"Existing folder in which administrators may have decrypted packets of single handles written." type:"path"`
	PcapMaxBytes      int64          `help:"Bytes that such a file may have." default:"104857600"`
	RecordDir         string         `help:"Folder for recordings; nothing is recorded without one." type:"path" placeholder:"DIR"`
	RecordingsTmpExt  string         `help:"Suffix of recordings that are being written." placeholder:"EXT"`
	ForwardTo         []netip.Prefix `help:"Networks that rtp_forward and publish_remotely may send to; none by default." placeholder:"CIDR"`
	RemoteFrom        []netip.Prefix `help:"Networks that media of remote publishers may come from; none by default, and there are no remote publishers then." placeholder:"CIDR"`
	RemoteAddress     netip.Addr     `help:"IP address that their ports are opened on, and that add_remote_publisher says. Default: any." placeholder:"IP"`
	RemotePorts       media.Ports    `help:"Their UDP ports, two for each." default:"20000-20999" placeholder:"FIRST-LAST"`

	Traces            traces.Config `embed:""`
	Events            events.Config `embed:""`
	EventsStatsPeriod uint32        `help:"Seconds between events of a PeerConnection's media statistics; 0 for never." name:"events-stats-period" default:"1"`

	OpsListen          string `help:"Internal address for health and metrics of the edge." default:"127.0.0.1:9090"`
	RoomstateOpsListen string `help:"The same of roomstate." default:"127.0.0.1:9091"`
	MediaOpsListen     string `help:"The same of the media node." default:"127.0.0.1:9092"`

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
