package limit

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// Reason says in a metric what was too much.
type Reason string

// The reasons.
const (
	AddressSockets   Reason = "address_sockets"   // open sockets, and requests over HTTP, of one address
	AddressRate      Reason = "address_rate"      // new ones a second
	Connections      Reason = "connections"       // of one listener, or of one address before it has asked for anything
	SessionPending   Reason = "session_pending"   // requests of one session under way
	SessionRate      Reason = "session_rate"      // requests of one session, or of a socket without one, a second
	SDP              Reason = "sdp"               // bytes, lines or m= sections of an SDP
	Candidates       Reason = "candidates"        // in one request
	HandleCandidates Reason = "handle_candidates" // of one handle
)

// reasons lists all of them.
func reasons() []Reason {
	return []Reason{AddressSockets, AddressRate, Connections, SessionPending, SessionRate, SDP, Candidates, HandleCandidates}
}

// Refusals counts what was refused, and tells of some of it.
type Refusals struct {
	counter *prometheus.CounterVec
	log     *slog.Logger
	seldom  *rate.Limiter
}

// NewRefusals registers the counter.
func NewRefusals(r prometheus.Registerer, log *slog.Logger) *Refusals {
	f := &Refusals{log: log, seldom: rate.NewLimiter(1, 5), counter: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cardea_edge_limited_total", Help: "What was refused since a limit was met, by the limit.",
	}, []string{"reason"})}
	r.MustRegister(f.counter)
	for _, reason := range reasons() { // rate() misses the first of a series that comes with it
		f.counter.WithLabelValues(string(reason))
	}
	return f
}

// Count counts one. It is told in the log unless there was much of it just now. Without Refusals nothing is counted.
func (f *Refusals) Count(reason Reason, about ...any) {
	if f == nil {
		return
	}
	f.counter.WithLabelValues(string(reason)).Inc()
	if f.seldom.Allow() {
		f.log.Warn("limit met", append([]any{"reason", reason}, about...)...)
	}
}

// Gate lets endpoints in, by their addresses.
type Gate struct {
	proxies   Proxies
	addresses *Table[netip.Prefix]
	refusals  *Refusals
}

// NewGate makes one that lets so much be open of an address, and so much come a second; 0 for any.
func NewGate(proxies []netip.Prefix, open, perSecond int, refusals *Refusals) *Gate {
	return &Gate{proxies: proxies, addresses: NewTable[netip.Prefix](open, perSecond), refusals: refusals}
}

// Enter returns who asks, and what to call when the socket or request is over; nil if it is one too many, and is to be answered
// with 429. No gate lets everybody in.
func (g *Gate) Enter(r *http.Request) (remote string, leave func()) {
	if g == nil {
		return r.RemoteAddr, func() {}
	}
	endpoint := g.proxies.Endpoint(r)
	remote = r.RemoteAddr
	if endpoint.IsValid() {
		remote = endpoint.String()
	}
	leave, met := g.addresses.Enter(network(endpoint.Addr()), time.Now())
	switch met {
	case Open:
		g.refusals.Count(AddressSockets, "remote", remote)
	case Rate:
		g.refusals.Count(AddressRate, "remote", remote)
	}
	return remote, leave
}

// TooMany answers whom a Gate has not let in.
func TooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "too much from this address", http.StatusTooManyRequests)
}
