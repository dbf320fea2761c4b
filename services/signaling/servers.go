package signaling

import (
	"context"
	"log/slog"
	"net"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
	"github.com/cardea-rtc/cardea/services/signaling/internal/limit"
	"github.com/cardea-rtc/cardea/services/signaling/internal/operator"
	"github.com/cardea-rtc/cardea/services/signaling/internal/rest"
	"github.com/cardea-rtc/cardea/services/signaling/internal/ws"
)

// mostAdmins bounds the sockets of administrators, and as many requests over HTTP.
const mostAdmins = 100

// servers are the transports of the Janus API and of the Admin API.
type servers struct {
	ws, adminWS     *ws.Server
	http, adminHTTP *rest.Server
}

// newServers returns the Janus API's; see admit.
func newServers(cfg Config, e *edge.Edge, refusals *limit.Refusals, metrics prometheus.Registerer, log *slog.Logger) *servers {
	gate := limit.NewGate(cfg.TrustedProxies, cfg.AddressSockets, cfg.AddressRate, refusals)
	metrics = prometheus.WrapRegistererWithPrefix("cardea_edge_", metrics)
	return &servers{
		ws: ws.New(ws.Options{
			Subprotocol: "janus-protocol", MaxMessage: cfg.MaxMessage, MaxSockets: cfg.MaxSockets,
			QueueLength: 1024, QueueBytes: cfg.MaxQueue, WriteTime: cfg.WriteTimeout, Origins: cfg.Origins, Gate: gate,
		}, func(s *ws.Socket) ws.Client { return e.Open(s) }, metrics, log),
		http: rest.New(rest.Options{
			Path: strings.TrimSuffix(cfg.HTTPPath, "/"), MaxBody: cfg.MaxMessage, MaxPending: cfg.MaxSockets, Origins: cfg.Origins, Gate: gate,
		}, e, metrics, log),
	}
}

// admit adds the Admin API's.
func (s *servers) admit(cfg Config, admin *edge.Admin, metrics prometheus.Registerer, log *slog.Logger) {
	origins := cfg.Origins
	if admin.Secret == nil {
		origins = []string{""} // no page: any that is open on this machine could reach a loopback address
	}
	metrics = prometheus.WrapRegistererWithPrefix("cardea_edge_admin_", metrics)
	s.adminWS = ws.New(ws.Options{
		Subprotocol: "janus-admin-protocol", MaxMessage: cfg.MaxMessage, MaxSockets: mostAdmins,
		QueueLength: 64, QueueBytes: 64 << 20, WriteTime: cfg.WriteTimeout, Origins: origins,
	}, func(socket *ws.Socket) ws.Client { return admin.Open(socket) }, metrics, log)
	s.adminHTTP = rest.New(rest.Options{
		Path: strings.TrimSuffix(cfg.AdminPath, "/"), MaxBody: cfg.MaxMessage, MaxPending: mostAdmins, Origins: origins,
		Pages: operator.Handler(strings.TrimSuffix(cfg.AdminPath, "/")), Admin: true,
	}, admin, metrics, log)
}

// of is what serves a listener of a scheme.
func (s *servers) of(scheme string) func(context.Context, net.Listener) error {
	switch scheme {
	case "admin-ws":
		return s.adminWS.Serve
	case "admin-http":
		return s.adminHTTP.Serve
	case "http", "https":
		return s.http.Serve
	default:
		return s.ws.Serve
	}
}
