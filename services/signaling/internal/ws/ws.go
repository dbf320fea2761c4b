// Package ws is the WebSocket transport of the Janus API (spec/janus-api.md, section 1).
package ws

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/services/signaling/internal/limit"
)

const (
	// pingEvery and hangUpAfter find endpoints that are gone without a word. Any frame resets the second.
	pingEvery   = 30 * time.Second
	hangUpAfter = 75 * time.Second
	controlWait = 10 * time.Second // for a ping to be taken
	// flushWait is how long a socket may take to send what is queued when this server ends.
	flushWait = time.Second
	// lingerFor and lingerBytes bound what is still read of an endpoint that sent too much.
	lingerFor   = time.Second
	lingerBytes = 16 << 20
)

// Reasons for which a socket is cut off.
const (
	reasonSlow   = "slow reader"
	reasonTooBig = "message too big"
	reasonFull   = "full"
)

// Client is who uses a socket.
type Client interface {
	Receive(message []byte) // one message; may take as long as it needs
	Close()                 // the socket is gone
}

// Options are the limits of a Server.
type Options struct {
	Subprotocol string        // that endpoints must offer
	MaxMessage  int64         // bytes; beyond, the socket is closed with 1009
	MaxSockets  int           // beyond, 503
	QueueLength int           // messages that wait for a slow reader; beyond, it is closed
	QueueBytes  int64         // likewise
	WriteTime   time.Duration // a message may take to be taken; beyond, its reader is too slow
	Gate        *limit.Gate   // who may come in; nil for everybody
	Origins     []string      // whose pages may connect; empty for all
}

// Server accepts sockets.
type Server struct {
	opt     Options
	open    func(*Socket) Client
	log     *slog.Logger
	metrics *metrics
	upgrade websocket.Upgrader

	wg      sync.WaitGroup // sockets
	mu      sync.Mutex
	sockets map[*Socket]struct{}
	closed  bool
}

type metrics struct {
	sockets prometheus.Gauge
	closed  *prometheus.CounterVec
	in, out prometheus.Counter
}

// New makes a server that calls open for each socket. r puts a prefix before the names of its metrics.
func New(opt Options, open func(*Socket) Client, r prometheus.Registerer, log *slog.Logger) *Server {
	s := &Server{opt: opt, open: open, log: log, sockets: map[*Socket]struct{}{}, metrics: &metrics{
		sockets: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sockets", Help: "Open WebSockets."}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sockets_closed_total", Help: "WebSockets closed or refused, by reason.",
		}, []string{"reason"}),
		in:  prometheus.NewCounter(prometheus.CounterOpts{Name: "messages_received_total", Help: "Messages from endpoints."}),
		out: prometheus.NewCounter(prometheus.CounterOpts{Name: "messages_sent_total", Help: "Messages to endpoints."}),
	}}
	r.MustRegister(s.metrics.sockets, s.metrics.closed, s.metrics.in, s.metrics.out)
	s.metrics.closed.WithLabelValues(reasonFull) // 0: rate() misses the first of a series that comes with it
	s.upgrade = websocket.Upgrader{
		Subprotocols: []string{opt.Subprotocol}, HandshakeTimeout: 10 * time.Second,
		// Most sockets are idle most of the time: what they read is short, they share buffers to write from, and those of HTTP are free.
		ReadBufferSize: 1024, WriteBufferSize: 4096, WriteBufferPool: new(sync.Pool),
		CheckOrigin: func(r *http.Request) bool {
			origin := r.Header.Get("Origin") // of pages only; what else there is could say anything
			return len(opt.Origins) == 0 || origin == "" || slices.Contains(opt.Origins, origin)
		},
	}
	return s
}

// ServeHTTP makes a WebSocket of any path that is asked for one.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 { // net/http waits for the body of who is refused; an upgrade ends the deadline
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(10 * time.Second))
	}
	switch {
	case !websocket.IsWebSocketUpgrade(r):
		http.Error(w, "this port speaks WebSocket, subprotocol "+s.opt.Subprotocol, http.StatusForbidden)
		return
	case !slices.Contains(websocket.Subprotocols(r), s.opt.Subprotocol):
		s.metrics.closed.WithLabelValues("subprotocol").Inc()
		http.Error(w, "offer the subprotocol "+s.opt.Subprotocol, http.StatusBadRequest)
		return
	}
	remote, leave := s.opt.Gate.Enter(r)
	if leave == nil {
		s.metrics.closed.WithLabelValues("address").Inc()
		limit.TooMany(w)
		return
	}
	socket := &Socket{server: s, id: rand.Text(), remote: remote, leave: leave}
	socket.ctx, socket.end = context.WithCancel(context.Background())
	socket.queue.write, socket.queue.writing = socket.write, true // from serve on
	if !s.add(socket) {
		s.metrics.closed.WithLabelValues(reasonFull).Inc()
		leave()
		http.Error(w, "too many sockets", http.StatusServiceUnavailable)
		return
	}
	conn, err := s.upgrade.Upgrade(gathering{w, socket}, r, http.Header{"Access-Control-Allow-Origin": {"*"}})
	if err != nil { // Upgrade has answered
		s.metrics.closed.WithLabelValues("handshake").Inc()
		s.remove(socket)
		return
	}
	go func() { // what HTTP needed of the connection is free when this handler returns
		defer s.remove(socket)
		socket.serve(conn)
	}()
}

func (s *Server) add(socket *Socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.sockets) >= s.opt.MaxSockets {
		return false
	}
	s.sockets[socket] = struct{}{}
	s.wg.Add(1)
	s.metrics.sockets.Set(float64(len(s.sockets)))
	return true
}

func (s *Server) remove(socket *Socket) {
	s.mu.Lock()
	delete(s.sockets, socket)
	socket.leave()
	s.metrics.sockets.Set(float64(len(s.sockets)))
	s.mu.Unlock()
	s.wg.Done()
}

// Sockets is how many there are.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// Close closes all sockets with 1001 (going away) and waits for them.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for socket := range s.sockets {
		socket.shut("shutdown", websocket.CloseGoingAway)
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Socket is one WebSocket.
type Socket struct {
	server *Server
	id     string
	remote string
	leave  func() // the Gate
	queue  queue
	conn   *websocket.Conn // from serve on
	burst  *burst          // what it writes to
	pings  *time.Timer     // likewise

	once   sync.Once
	ctx    context.Context // ends when the socket is to end
	end    func()
	reason string // why; set before ctx ends
	code   int    // for the close frame, 0 for none
}

// ID is unique in the cluster.
func (k *Socket) ID() string { return k.id }

// Remote returns the endpoint's address.
func (k *Socket) Remote() string { return k.remote }

// Send queues a message, or closes the socket if its reader is too slow.
func (k *Socket) Send(message []byte) {
	if !k.queue.put(message, &k.server.opt) {
		k.shut(reasonSlow, 0)
	}
}

// Drained tells whether the kernel has taken all that was sent.
func (k *Socket) Drained() bool { return k.queue.drained() }

// shut ends the socket: with a close frame after all that is queued, or at once if code is 0.
func (k *Socket) shut(reason string, code int) {
	k.once.Do(func() {
		k.reason, k.code = reason, code
		k.end()
		if code == 0 {
			_ = k.conn.Close() // who writes may be waiting for a reader that is gone
		}
		k.queue.end()
	})
}

// serve reads until the socket ends. It returns when its writer has ended too.
func (k *Socket) serve(conn *websocket.Conn) {
	k.conn = conn
	log := k.server.log.With("socket", k.id, "remote", k.remote)
	conn.SetReadLimit(k.server.opt.MaxMessage)
	alive := func() { _ = conn.SetReadDeadline(time.Now().Add(hangUpAfter)) }
	alive()
	conn.SetPongHandler(func(string) error { alive(); return nil })
	ping := conn.PingHandler()
	conn.SetPingHandler(func(data string) error { alive(); return ping(data) })

	client := k.server.open(k)
	k.queue.writers.Go(k.write)
	k.pings = time.AfterFunc(pingEvery, k.ping)
	defer k.pings.Stop()
	// Receive may wait for its turn; Close ends that too, so it comes as soon as the socket is to end.
	var closed sync.WaitGroup
	closed.Add(1)
	context.AfterFunc(k.ctx, func() { defer closed.Done(); client.Close() })
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			if errors.Is(err, websocket.ErrReadLimit) {
				linger(conn.NetConn())
			}
			k.shut(readReason(err), 0)
			break
		}
		alive()
		k.server.metrics.in.Inc()
		client.Receive(message)
	}
	closed.Wait()
	k.queue.writers.Wait()
	k.server.metrics.closed.WithLabelValues(k.reason).Inc()
	level := slog.LevelDebug
	if k.reason == reasonSlow || k.reason == reasonTooBig {
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, "socket closed", "reason", k.reason)
}

// linger lets a close frame that has been sent reach the endpoint: a connection closed with data unread is reset,
// and what was on its way with it.
func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(lingerFor))
	_, _ = io.CopyN(io.Discard, conn, lingerBytes)
}

func readReason(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return reasonTooBig
	case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
		return "endpoint"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "silent"
	}
	return "broken"
}

// writeReason tells who does not read from who is gone.
func writeReason(err error) string {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return reasonSlow
	}
	return "broken"
}

// ping asks the endpoint for a sign of life, again and again. One that waits behind other messages is as good as sent.
func (k *Socket) ping() {
	k.queue.put(nil, &k.server.opt)
	if k.ctx.Err() == nil {
		k.pings.Reset(pingEvery)
	}
}

// write sends what is queued. When that is the last of the socket, it closes the connection, which ends the reader.
func (k *Socket) write() {
	for {
		message, ok, more, ended := k.queue.take()
		wait := k.server.opt.WriteTime
		if ended {
			wait = flushWait
		}
		switch {
		case ok && k.writeOne(message, wait, more):
		case ok: // and that has ended the socket
			_ = k.conn.Close()
			return
		case ended:
			if k.code != 0 {
				frame := websocket.FormatCloseMessage(k.code, k.reason)
				_ = k.conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(flushWait))
			}
			_ = k.conn.Close()
			return
		default:
			return
		}
	}
}

// writeOne sends a message, with the next if there is more, or ends the socket.
func (k *Socket) writeOne(message []byte, wait time.Duration, more bool) bool {
	k.burst.hold()
	deadline := time.Now().Add(wait)
	var err error
	if message == nil {
		if deadline = time.Now().Add(controlWait); k.conn.WriteControl(websocket.PingMessage, nil, deadline) != nil {
			k.shut("broken", 0)
			return false
		}
	} else {
		_ = k.conn.SetWriteDeadline(deadline)
		err = k.conn.WriteMessage(websocket.TextMessage, message)
	}
	if err == nil && !more {
		err = k.burst.flush(deadline)
	}
	if err != nil {
		k.shut(writeReason(err), 0)
		return false
	}
	if message != nil {
		k.server.metrics.out.Inc()
	}
	return true
}

// Serve answers on l until ctx ends. Sockets stay open: Close ends them.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 16,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	srv.SetKeepAlivesEnabled(false) // who does not become a WebSocket has no reason to stay
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
