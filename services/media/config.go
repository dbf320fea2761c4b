package media

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/mutual"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
)

// Version is set when images are built.
var Version = "dev"

// Config is all that a media node can be told. See package settings for where values come from.
type Config struct {
	Name string `help:"Name of this node, the same after a restart; nodes fill in the order of their names. Default: the host's name." placeholder:"NAME"`

	bus.NATS

	mutual.GRPC
	GRPCInsecure bool `name:"grpc-insecure" help:"Speak gRPC in plain text, with whoever can connect, although it listens at others than loopback addresses: keys of calls go over it, so nobody else may reach that network."`

	GRPCListen    string `name:"grpc-listen" help:"Address of the gRPC API, which belongs on an internal network." default:"127.0.0.1:9000" form:"listen"`
	GRPCAdvertise string `name:"grpc-advertise" help:"Where roomstate reaches the gRPC API. Default: the address it listens on, with the host's name if that is any." placeholder:"HOST:PORT" form:"address"`
	OpsListen     string `name:"ops-listen" help:"Address of /livez, /readyz, /metrics and /debug/pprof/." default:"127.0.0.1:9092" form:"listen"`

	Common

	RelayAddress string `name:"relay-address" help:"IP address to which other nodes send the feeds that this one wants of them, with a port if that is not the one for media. Default: the address that gRPC between the two nodes has at this side." placeholder:"IP[:PORT]"`
	MaxRelays    int    `name:"max-relays" help:"Feeds that are had from other nodes at most, and feeds that are sent to others." default:"10000"`

	DrainTimeout time.Duration `help:"At SIGTERM, how long other nodes may take to go on with the calls that are here; 0 ends these at once." default:"30s"`

	KeepPeers bool `help:"Have another node keep what it takes to go on with the calls that are here, so that they outlive this node." default:"true" negatable:""`

	Traces traces.Config `embed:""`
	Events events.Config `embed:""`
	settings.Logging

	// Listening, if set, is told the addresses when all listeners are open.
	Listening func(Addresses) `kong:"-"`
}

// Common is what is set of a node that is a process of its own, and of the one in standalone.
type Common struct {
	AdvertiseSTUN []string `name:"advertise-stun" help:"STUN servers that are asked at start by which IP address this node is seen from outside, one after another; endpoints are told that address after those of --advertise. For a 1:1 NAT. If none answers, the node does not start." placeholder:"HOST:PORT" form:"address"`

	UDPPort   uint16       `name:"udp-port" help:"The one port for media; 0 for any." default:"10000"`
	Workers   int          `help:"Goroutines that move packets, each with a socket of its own on the port. Default: one for each CPU." placeholder:"N"`
	TCP       bool         `name:"tcp" help:"Accept ICE-TCP on the same port number." default:"true" negatable:""`
	Advertise []netip.Addr `help:"IP addresses by which endpoints reach this node, when they are not those of its interfaces (NAT 1:1)." placeholder:"IP"`

	MaxPeers          int    `name:"max-peers" help:"PeerConnections that are taken at most." default:"10000"`
	CapacityPackets   uint64 `help:"Packets a second, received and sent, that this node is given at most. Default: 250000 for each worker." placeholder:"N"`
	CapacityBits      uint64 `help:"Bits a second, received and sent, that this node is given at most; 0 for no limit." default:"10000000000"`
	NoMediaTimer      uint32 `name:"no-media-timer" help:"Seconds without media until the client is told; 0 for never." default:"1"`
	SlowLinkThreshold uint32 `name:"slowlink-threshold" help:"Packets lost in a second from which the client is told; 0 for never." default:"0"`

	PcapDir      string `name:"pcap-dir" help:"Existing folder in which administrators may have decrypted packets of single handles written. Default: they may not." type:"path" form:"folder"`
	PcapMaxBytes int64  `name:"pcap-max-bytes" help:"Bytes that such a file may have." default:"104857600"`

	EventsStatsPeriod uint32 `name:"events-stats-period" help:"Seconds between events of a PeerConnection's media statistics; 0 for never." default:"1"`

	RecordDir        string `help:"Folder for recordings; nothing is recorded without one." type:"path" placeholder:"DIR" form:"new-folder"`
	RecordingsTmpExt string `help:"Suffix of recordings that are being written." placeholder:"EXT"`

	ForwardTo []netip.Prefix `help:"Networks that rtp_forward and publish_remotely may send to; none by default." placeholder:"CIDR"`

	RemoteFrom    []netip.Prefix `help:"Networks that media of remote publishers may come from; none by default, and there are no remote publishers then." placeholder:"CIDR"`
	RemoteAddress netip.Addr     `help:"IP address that their ports are opened on, and that add_remote_publisher says. Default: any." placeholder:"IP"`
	RemotePorts   Ports          `help:"Their UDP ports, two for each." default:"20000-20999" placeholder:"FIRST-LAST"`
}

// packetsOfAWorker is what one is given by default, in packets a second, received and sent: half of what it can do, or more.
const packetsOfAWorker = 250_000

// Ports is a range, as in "20000-20999".
type Ports = rtpreceive.Ports

// Addresses are where a running node listens.
type Addresses struct {
	GRPC, Ops string
	Media     uint16 // port
}

// withDefaults fills in what depends on the machine.
func (c Config) withDefaults() (Config, error) {
	if c.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			return c, err
		}
		c.Name = host
	}
	if _, err := c.relayAddress(); err != nil {
		return c, err
	}
	if err := c.Validate(); err != nil {
		return c, err
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.CapacityPackets == 0 {
		c.CapacityPackets = packetsOfAWorker * uint64(c.Workers)
	}
	return c, nil
}

// Validate is called when settings have been read.
func (c Config) Validate() error {
	if !c.GRPC.On() && !c.GRPCInsecure && !loopback(c.GRPCListen) {
		return fmt.Errorf("grpc-listen %s is no loopback address: set grpc-tls-ca, grpc-tls-cert and grpc-tls-key, or grpc-insecure", c.GRPCListen)
	}
	return nil
}

// loopback tells whether an address to listen at is reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// relayAddress reads RelayAddress. Either part may be left out.
func (c Config) relayAddress() (netip.AddrPort, error) {
	if c.RelayAddress == "" {
		return netip.AddrPort{}, nil
	}
	if addr, err := netip.ParseAddr(c.RelayAddress); err == nil {
		return netip.AddrPortFrom(addr, 0), nil
	}
	addr, err := netip.ParseAddrPort(c.RelayAddress)
	if err != nil {
		return addr, fmt.Errorf("relay-address %q: neither IP nor IP:PORT", c.RelayAddress)
	}
	return addr, nil
}

// timers are what a node goes by: what administrators have set, and what it was started with for the rest.
func (c Config) timers(set *busv1.MediaSettings) (noMediaSeconds, slowLinkPackets uint32) {
	noMediaSeconds, slowLinkPackets = c.NoMediaTimer, c.SlowLinkThreshold
	if set.NoMediaTimerS != nil {
		noMediaSeconds = set.GetNoMediaTimerS()
	}
	if set.SlowLinkThreshold != nil {
		slowLinkPackets = set.GetSlowLinkThreshold()
	}
	return noMediaSeconds, slowLinkPackets
}
