// Package rest is the HTTP transport of the Janus API: requests by POST, events by long poll (spec/janus-api.md,
// section 9). It keeps nothing between two requests, so any edge answers any of them.
package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
	"github.com/cardea-rtc/cardea/services/signaling/internal/limit"
)

const (
	// writeTime is how long an endpoint may take to read an answer. Events that were not written by then come again.
	writeTime = 8 * time.Second
	// bodyTime is how long it may take to send a request.
	bodyTime = 20 * time.Second
	idleTime = 60 * time.Second
	// mostEvents is how many events one long poll is answered with, whatever it asks for.
	mostEvents = 200
)

// API is who answers.
type API interface {
	// Ask returns the answer to a request whose ids may be in the path, nil if there is none in time.
	Ask(ctx context.Context, remote string, body []byte, session, handle uint64) []byte
	// Authorized tells whether a long poll may be made with these.
	Authorized(ctx context.Context, secret, token string) bool
	// Poll waits for events of a session and has them written, none when it has waited enough.
	Poll(ctx context.Context, session uint64, most int, give func(events [][]byte) error) error
}

// Options are the limits of a Server, and where it is.
type Options struct {
	Path       string   // such as /janus
	MaxBody    int64    // bytes of a request
	MaxPending int      // requests and long polls at a time; beyond, 503
	Origins    []string // whose pages may ask; empty for all
	// Pages answers GET of what is not below Path, nil for nobody. They may ask, too.
	Pages http.Handler
	// Admin is for the Admin API: without sessions of its own there is nothing to poll.
	Admin bool
	Gate  *limit.Gate // who may come in; nil for everybody
}

// Server answers HTTP.
type Server struct {
	opt      Options
	api      API
	log      *slog.Logger
	pending  atomic.Int64
	requests *prometheus.CounterVec
}

// New makes a server. r puts a prefix before the names of its metrics.
func New(opt Options, api API, r prometheus.Registerer, log *slog.Logger) *Server {
	s := &Server{opt: opt, api: api, log: log, requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "http_requests_total", Help: "Requests over HTTP, by status.",
	}, []string{"status"})}
	r.MustRegister(s.requests)
	s.requests.WithLabelValues(strconv.Itoa(http.StatusServiceUnavailable)) // 0: rate() misses the first of a series that comes with it
	return s
}

// Serve answers on l until ctx ends, and then lets those under way end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idleTime, MaxHeaderBytes: 1 << 16,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			_ = srv.Close()
		}
	})
	err := srv.Serve(l)
	if !stop() {
		<-ended
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{server: s, w: w, r: r, control: http.NewResponseController(w)}
	_ = a.control.SetWriteDeadline(time.Time{}) // that of the answer before, on the same connection
	if r.ContentLength != 0 {
		// Also for a body that nobody reads: net/http does, to keep the connection, and would wait for it forever.
		_ = a.control.SetReadDeadline(time.Now().Add(bodyTime))
	}
	remote, leave := s.opt.Gate.Enter(r)
	if leave == nil {
		s.requests.WithLabelValues(strconv.Itoa(http.StatusTooManyRequests)).Inc()
		_ = a.control.SetWriteDeadline(time.Now().Add(writeTime))
		limit.TooMany(w)
		return
	}
	defer leave()
	a.remote = remote
	defer s.pending.Add(-1)
	if s.pending.Add(1) > int64(s.opt.MaxPending) {
		a.refuse(http.StatusServiceUnavailable, fmt.Sprintf("%d requests are under way here", s.opt.MaxPending))
		return
	}
	a.serve()
}

// answer is one request and what it is answered with.
type answer struct {
	server  *Server
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	remote  string // who asks
}

func (a *answer) serve() {
	rest, ok := strings.CutPrefix(a.r.URL.Path, a.server.opt.Path)
	ok = ok && (rest == "" || rest[0] == '/')
	if !ok && a.server.opt.Pages != nil {
		_ = a.control.SetWriteDeadline(time.Now().Add(writeTime))
		a.server.opt.Pages.ServeHTTP(a.w, a.r)
		return
	}
	if !a.allowOrigin() {
		a.status(http.StatusForbidden)
		return
	}
	if !ok {
		a.status(http.StatusNotFound)
		return
	}
	parts := strings.FieldsFunc(rest, func(c rune) bool { return c == '/' })
	switch {
	case len(parts) > 2:
		a.status(http.StatusNotFound)
	case a.r.Method == http.MethodOptions:
		a.status(http.StatusOK) // to a preflight request, the headers are all there is to say
	case a.r.Method == http.MethodPost:
		a.post(parts)
	case a.r.Method == http.MethodGet:
		a.get(parts)
	default:
		a.json(janus.BadMethod(a.r.Method))
	}
}

// allowOrigin writes the headers of CORS; it is false of a page that is not welcome. What asks without being a page
// has no origin.
func (a *answer) allowOrigin() bool {
	header, origin := a.w.Header(), a.r.Header.Get("Origin")
	header.Set("Access-Control-Max-Age", "86400")
	switch {
	case len(a.server.opt.Origins) == 0:
		header.Set("Access-Control-Allow-Origin", "*")
	case origin != "" && !slices.Contains(a.server.opt.Origins, origin) && !a.ours(origin):
		return false
	case origin != "":
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Allow-Credentials", "true") // janus.js has withCredentials
		header.Set("Vary", "Origin")
	}
	for asked, allowed := range map[string]string{
		"Access-Control-Request-Method":  "Access-Control-Allow-Methods",
		"Access-Control-Request-Headers": "Access-Control-Allow-Headers",
	} {
		if value := a.r.Header.Get(asked); value != "" {
			header.Set(allowed, value)
		}
	}
	return true
}

// ours tells whether an origin is that of this server's own pages. It is so only if it was reached by an address, or as localhost: any
// other name could have been made to stand for this machine by whoever owns it.
func (a *answer) ours(origin string) bool {
	if a.server.opt.Pages == nil || origin != "http://"+a.r.Host && origin != "https://"+a.r.Host {
		return false
	}
	host := a.r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost"
}

// id reads an id in a path; what is none counts as absent, as at Janus.
func id(parts []string, at int) uint64 {
	if len(parts) <= at {
		return 0
	}
	n, err := strconv.ParseInt(parts[at], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return uint64(n)
}

// named tells whether a path is that of what a GET asks for.
func named(parts []string) bool { return len(parts) > 0 && (parts[0] == "info" || parts[0] == "ping") }

func (a *answer) post(parts []string) {
	if named(parts) && !a.server.opt.Admin {
		a.status(http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(a.w, a.r.Body, a.server.opt.MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		a.refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("a request may have %d bytes", a.server.opt.MaxBody))
		return
	} else if err != nil {
		a.status(http.StatusBadRequest)
		return
	}
	_ = a.control.SetReadDeadline(time.Time{})
	if message := a.server.api.Ask(a.r.Context(), a.remote, body, id(parts, 0), id(parts, 1)); message != nil {
		a.json(message)
	}
}

func (a *answer) get(parts []string) {
	switch {
	case len(parts) == 1 && named(parts):
		if message := a.server.api.Ask(a.r.Context(), a.remote, shorthand(parts[0]), 0, 0); message != nil {
			a.json(message)
		}
	case a.server.opt.Admin:
		a.json(janus.NoPayload())
	case len(parts) == 2:
		a.w.Header().Set("Location", a.server.opt.Path+"/"+url.PathEscape(parts[0]))
		a.status(http.StatusFound)
	case len(parts) == 0:
		a.status(http.StatusNotFound)
	default:
		a.poll(id(parts, 0))
	}
}

// poll answers with the session's events: one object, or with maxev above 1 a list.
func (a *answer) poll(session uint64) {
	query := a.r.URL.Query()
	if !a.server.api.Authorized(a.r.Context(), query.Get("apisecret"), query.Get("token")) {
		a.status(http.StatusForbidden)
		return
	}
	most, err := strconv.Atoi(query.Get("maxev"))
	if err != nil || most < 1 {
		most = 1
	}
	err = a.server.api.Poll(a.r.Context(), session, min(most, mostEvents), func(events [][]byte) error {
		if len(events) == 0 {
			events = [][]byte{janus.Keepalive()}
		}
		if most == 1 {
			return a.json(events[0])
		}
		return a.json(list(events))
	})
	switch {
	case err == nil || a.r.Context().Err() != nil || a.written():
	case fault.Of(err) == fault.SessionNotFound:
		a.status(http.StatusNotFound)
	default:
		a.status(http.StatusServiceUnavailable)
	}
}

func (a *answer) written() bool { return a.w.Header().Get("Content-Length") != "" }

// json writes a whole answer. The error says that it cannot have reached the endpoint.
func (a *answer) json(message []byte) error {
	if err := a.r.Context().Err(); err != nil {
		return err
	}
	a.w.Header().Set("Content-Type", "application/json")
	a.w.Header().Set("Content-Length", strconv.Itoa(len(message)))
	a.server.requests.WithLabelValues("200").Inc()
	_ = a.control.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := a.w.Write(message); err != nil {
		return err
	}
	// Once the kernel has taken it, it is the endpoint's: one that closes the connection now may have read it before.
	return a.control.Flush()
}

// refuse answers with a word about the limit that is met.
func (a *answer) refuse(code int, why string) {
	a.server.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	_ = a.control.SetWriteDeadline(time.Now().Add(writeTime))
	http.Error(a.w, why, code)
}

// status answers without a body.
func (a *answer) status(code int) {
	a.server.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	_ = a.control.SetWriteDeadline(time.Now().Add(writeTime))
	a.w.Header().Set("Content-Length", "0")
	a.w.WriteHeader(code)
}
