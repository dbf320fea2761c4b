package signaling

import (
	"log/slog"
	"net"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
	"github.com/cardea-rtc/cardea/services/signaling/internal/operator"
	"github.com/cardea-rtc/cardea/services/signaling/internal/rest"
	"github.com/cardea-rtc/cardea/services/signaling/internal/ws"
)

// mostAdmins bounds the sockets of administrators, and as many requests over HTTP.
const mostAdmins = 100

// adminServers are the transports of the Admin API.
type adminServers struct {
	sockets *ws.Server
	http    *rest.Server
}

func newAdminServers(cfg Config, admin *edge.Admin, metrics prometheus.Registerer, log *slog.Logger) adminServers {
	origins := cfg.Origins
	if admin.Secret == "" {
		origins = []string{""} // no page: any that is open on this machine could reach a loopback address
	}
	metrics = prometheus.WrapRegistererWithPrefix("cardea_edge_admin_", metrics)
	return adminServers{
		sockets: ws.New(ws.Options{
			Subprotocol: "janus-admin-protocol", MaxMessage: cfg.MaxMessage, MaxSockets: mostAdmins,
			QueueLength: 64, QueueBytes: 64 << 20, WriteTime: cfg.WriteTimeout, Origins: origins,
		}, func(s *ws.Socket) ws.Client { return admin.Open(s) }, metrics, log),
		http: rest.New(rest.Options{
			Path: strings.TrimSuffix(cfg.AdminPath, "/"), MaxBody: cfg.MaxMessage, MaxPending: mostAdmins, Origins: origins,
			Pages: operator.Handler(strings.TrimSuffix(cfg.AdminPath, "/")),
		}, admin, metrics, log),
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
