package signaling

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

// Config is what can be set; the tags are its documentation.
type Config struct {
	Name string `help:"This edge's name in the cluster. Default: the host's."`
	bus.NATS
	Common
	Events events.Config `embed:""`
	Traces traces.Config `embed:""`

	OpsListen string `help:"Internal address for health and metrics." default:"127.0.0.1:9090" form:"listen"`

	settings.Logging

	// Listening, if set, is told the addresses in use, by scheme: ws, http, and with a certificate wss, https.
	Listening func(map[string]net.Addr) `kong:"-"`
}

// Common is what is set of an edge that is a process of its own, and of one in standalone.
type Common struct {
	Listen           string         `help:"Address of the Janus API over WebSocket." default:":8188" form:"listen"`
	WSSListen        string         `help:"Address of the same over TLS, if there is a certificate." default:":8989" name:"wss-listen" form:"listen"`
	HTTPListen       string         `help:"Address of the Janus API over HTTP, with long polls; empty for none." default:":8088" name:"http-listen" form:"listen"`
	HTTPSListen      string         `help:"Address of the same over TLS, if there is a certificate; empty for none." default:":8089" name:"https-listen" form:"listen"`
	HTTPPath         string         `help:"Path under which HTTP answers." default:"/janus" name:"http-path"`
	AdminListen      string         `help:"Address of the Admin API over WebSocket; empty for none." default:"127.0.0.1:7188" name:"admin-listen" form:"listen"`
	AdminHTTPListen  string         `help:"Address of the Admin API over HTTP; empty for none." default:"127.0.0.1:7088" name:"admin-http-listen" form:"listen"`
	AdminPath        string         `help:"Path under which the Admin API answers over HTTP." default:"/admin" name:"admin-path"`
	AdminSecretFile  string         `help:"File with the admin_secret that requests of the Admin API must carry; read again when it changes. Must be set if that listens at others than loopback addresses." name:"admin-secret-file" type:"existingfile"`
	TLSCert          string         `help:"File with the certificate chain, PEM. It and its key are read again when they change." name:"tls-cert" certificate:"own" type:"existingfile"`
	TLSKey           string         `help:"File with the certificate's key, PEM." name:"tls-key" type:"existingfile"`
	Origins          []string       `help:"Web origins whose pages may connect, over WebSocket and HTTP, such as https://example.org. Default: all."`
	APISecretFile    string         `help:"File with the apisecret that requests must carry; read again when it changes. Default: none is asked for." name:"api-secret-file" type:"existingfile"`
	TokenAuth        bool           `help:"Requests must carry a token, stored by the Admin API or signed; if there is an apisecret too, either will do." name:"token-auth"`
	TokenSecretFile  string         `help:"File with the secret that tokens are signed with; read again when it changes. Default: the API's are stored." name:"token-secret-file" type:"existingfile"`
	JWTSecretFile    string         `help:"File with the secret, of 32 bytes or more, that tokens are JWTs of HS256 under; read again when it changes. Beside --token-secret-file, either kind will do." name:"jwt-secret-file" type:"existingfile" placeholder:"FILE"`
	JWTKeysFile      string         `help:"JWK Set with the public keys that tokens are JWTs of RS256 or ES256 under; read again when it changes." name:"jwt-keys-file" type:"existingfile" placeholder:"FILE"`
	JWTIssuer        string         `help:"What iss of JWTs must be; empty for anything." name:"jwt-issuer"`
	JWTAudience      string         `help:"What aud of JWTs must name; empty for anything." name:"jwt-audience"`
	JWTLeeway        time.Duration  `help:"By how much clocks may differ where a JWT says its time." name:"jwt-leeway" default:"30s"`
	ServerName       string         `help:"Shown by info." default:"Cardea"`
	MaxSockets       int            `help:"Open WebSockets; and as many requests over HTTP, waiting long polls included." default:"100000"`
	MaxSessions      int            `help:"Sessions on all sockets together." default:"200000"`
	SocketSessions   int            `help:"Sessions on one socket." default:"1000"`
	SocketPending    int            `help:"Requests under way on one socket before its next is read." default:"64"`
	SessionPolls     int            `help:"Long polls that wait for one session on this edge; a further one ends the oldest." default:"8"`
	MaxMessage       int64          `help:"Bytes in one message from an endpoint." default:"1048576"`
	MaxQueue         int64          `help:"Bytes of messages that wait for the reader of one socket; a slower one is cut off." default:"8388608"`
	WriteTimeout     time.Duration  `help:"How long a socket may take to take one message; a slower one is cut off." default:"10s"`
	TrustedProxies   []netip.Prefix `help:"Networks of proxies whose X-Forwarded-For says who asks; none by default, and then it is whom the connection is from." placeholder:"CIDR"`
	AddressSockets   int            `help:"Open WebSockets, and requests over HTTP under way, of one address, or IPv6 network of 64 bits; 0 for no limit. Beyond, 429." default:"10000"`
	AddressRate      int            `help:"New WebSockets and requests over HTTP a second of one address, or IPv6 network of 64 bits; ten seconds' worth may come at once; 0 for no limit. Beyond, 429." default:"1000"`
	SessionPending   int            `help:"Requests of one session under way on this edge; 0 for no limit." default:"1024"`
	SessionRate      int            `help:"Requests a second of one session on this edge, and of one socket that are of no session; ten seconds' worth may come at once; 0 for no limit." default:"1000"`
	MaxSDP           int            `help:"Bytes of an SDP; 0 for no limit but that of nodes, 262144." name:"max-sdp" default:"262144"`
	MaxSDPLines      int            `help:"Lines of an SDP; 0 for no limit but that of nodes, 20000." name:"max-sdp-lines" default:"20000"`
	MaxSDPSections   int            `help:"m= sections of an SDP; 0 for no limit but that of nodes, 128." name:"max-sdp-sections" default:"128"`
	MaxCandidates    int            `help:"Candidates in one trickle request; 0 for no limit. None is kept." default:"256"`
	HandleCandidates int            `help:"Candidates that one handle may trickle on this edge between two offers or answers; 0 for no limit." default:"2048"`
	AnswerTimeout    time.Duration  `help:"How long a request waits for the cluster before it fails." default:"20s"`
	OpaqueIDInAPI    bool           `help:"Events and plugins' answers tell the opaque_id of the handle." name:"opaqueid-in-api"`
}

// Validate is called when settings have been read.
func (c Config) Validate() error {
	for name, value := range map[string]int64{
		"max-sockets": int64(c.MaxSockets), "max-sessions": int64(c.MaxSessions), "socket-sessions": int64(c.SocketSessions),
		"socket-pending": int64(c.SocketPending), "session-polls": int64(c.SessionPolls), "max-message": c.MaxMessage, "max-queue": c.MaxQueue,
	} {
		if value < 1 {
			return fmt.Errorf("%s must be above 0, is %d", name, value)
		}
	}
	for name, value := range map[string]time.Duration{"write-timeout": c.WriteTimeout, "answer-timeout": c.AnswerTimeout} {
		if value <= 0 {
			return fmt.Errorf("%s must be above 0, is %v", name, value)
		}
	}
	for name, value := range map[string]int{
		"address-sockets": c.AddressSockets, "address-rate": c.AddressRate, "session-pending": c.SessionPending, "session-rate": c.SessionRate,
		"max-sdp": c.MaxSDP, "max-sdp-lines": c.MaxSDPLines, "max-sdp-sections": c.MaxSDPSections, "max-candidates": c.MaxCandidates, "handle-candidates": c.HandleCandidates,
	} {
		if value < 0 {
			return fmt.Errorf("%s must not be below 0, is %d", name, value)
		}
	}
	if c.JWTLeeway < 0 || c.JWTLeeway > time.Hour {
		return fmt.Errorf("jwt-leeway must be from 0 to 1h, is %v", c.JWTLeeway)
	}
	for _, origin := range c.Origins {
		if err := checkOrigin(origin); err != nil {
			return fmt.Errorf("origins: %w", err)
		}
	}
	for name, path := range map[string]string{"http-path": c.HTTPPath, "admin-path": c.AdminPath} {
		if path != "/" && (!strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/")) {
			return fmt.Errorf("%s must begin with a slash and end with none, is %q", name, path)
		}
	}
	for name, address := range map[string]string{"admin-listen": c.AdminListen, "admin-http-listen": c.AdminHTTPListen} {
		if c.AdminSecretFile == "" && address != "" && !loopback(address) {
			return fmt.Errorf("%s %s is no loopback address: set admin-secret-file", name, address)
		}
	}
	return nil
}

// holds is what a request may hold.
func (c Config) holds() janus.Limits {
	return janus.Limits{
		SDPBytes: c.MaxSDP, SDPLines: c.MaxSDPLines, SDPSections: c.MaxSDPSections, Candidates: c.MaxCandidates, HandleCandidates: c.HandleCandidates,
	}
}

// loopback tells whether an address to listen at can be reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
