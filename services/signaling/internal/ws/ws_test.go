package ws

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo sends back what it gets, n times.
type echo struct {
	socket *Socket
	n      int
	closed chan struct{}
}

func (e *echo) Receive(m []byte) {
	for range e.n {
		e.socket.Send(m)
	}
}
func (e *echo) Close() { close(e.closed) }

// start runs a server whose client is e.
func start(t *testing.T, opt Options, e *echo) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(opt, func(k *Socket) Client { e.socket = k; return e }, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		s.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string, subprotocols ...string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	d := websocket.Dialer{Subprotocols: subprotocols}
	conn, resp, err := d.Dial("ws://"+address+"/any/path?x=1", nil)
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return conn, resp, err
}

var options = Options{Subprotocol: "janus-protocol", MaxMessage: 1000, MaxSockets: 2, QueueLength: 16, QueueBytes: 1 << 20, WriteTime: 10 * time.Second}

func TestSubprotocolIsAskedFor(t *testing.T) {
	address := start(t, options, &echo{n: 1, closed: make(chan struct{})})
	if _, resp, err := dial(t, address, "other"); err == nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("other subprotocol: %v", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/")
	if err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("plain GET: %v, %v", resp, err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	conn, _, err := dial(t, address, "other", "janus-protocol")
	if err != nil || conn.Subprotocol() != "janus-protocol" {
		t.Errorf("janus-protocol: %v", err)
	}
}

func TestOnlyPagesOfTheOriginsMayConnect(t *testing.T) {
	opt := options
	opt.Origins = []string{"https://a"}
	for origin, welcome := range map[string]bool{"": true, "https://a": true, "https://b": false} {
		address := start(t, opt, &echo{n: 1, closed: make(chan struct{})})
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		dialer := websocket.Dialer{Subprotocols: []string{"janus-protocol"}}
		conn, resp, err := dialer.Dial("ws://"+address+"/", header)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
		}
		if (err == nil) != welcome || !welcome && resp.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v", origin, err)
		}
	}
}

func TestMessagesPassBothWays(t *testing.T) {
	address := start(t, options, &echo{n: 1, closed: make(chan struct{})})
	conn, _, err := dial(t, address, "janus-protocol")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
		if err := conn.WriteMessage(kind, []byte(`{"a":1}`)); err != nil {
			t.Fatal(err)
		}
		got, m, err := conn.ReadMessage()
		if err != nil || got != websocket.TextMessage || string(m) != `{"a":1}` {
			t.Errorf("got %d %s, %v", got, m, err)
		}
	}
}

func TestATooLargeMessageClosesWith1009(t *testing.T) {
	e := &echo{n: 1, closed: make(chan struct{})}
	conn, _, err := dial(t, start(t, options, e), "janus-protocol")
	if err != nil {
		t.Fatal(err)
	}
	// Far more than fits the buffers between: the endpoint still writes when the server has closed.
	if err := conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 8<<20))); err != nil {
		t.Fatal(err)
	}
	_, _, err = conn.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("got %v", err)
	}
	_ = conn.Close()
	<-e.closed
}

func TestAReaderThatNeverReadsIsCutOff(t *testing.T) {
	e := &echo{n: 1, closed: make(chan struct{})}
	conn, _, err := dial(t, start(t, options, e), "janus-protocol")
	if err != nil {
		t.Fatal(err)
	}
	e.n = 1 << 20
	if err := conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 999))); err != nil {
		t.Fatal(err)
	}
	select {
	case <-e.closed:
	case <-time.After(10 * time.Second):
		t.Fatal("still open")
	}
}

// TestRefusalsAreCountedFromZero: rate() sees the first of them then.
func TestRefusalsAreCountedFromZero(t *testing.T) {
	s := New(Options{}, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	want := `
		# HELP sockets_closed_total WebSockets closed or refused, by reason.
		# TYPE sockets_closed_total counter
		sockets_closed_total{reason="full"} 0
	`
	if err := testutil.CollectAndCompare(s.metrics.closed, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestSocketsAreLimited(t *testing.T) {
	address := start(t, Options{Subprotocol: "janus-protocol", MaxMessage: 1000, MaxSockets: 1, QueueLength: 16, QueueBytes: 1 << 20, WriteTime: 10 * time.Second}, &echo{n: 1, closed: make(chan struct{})})
	if _, _, err := dial(t, address, "janus-protocol"); err != nil {
		t.Fatal(err)
	}
	_, resp, err := dial(t, address, "janus-protocol")
	if !errors.Is(err, websocket.ErrBadHandshake) || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestCloseSaysGoingAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{n: 1, closed: make(chan struct{})}
	s := New(options, func(k *Socket) Client { e.socket = k; return e }, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, l) }()
	conn, _, err := dial(t, l.Addr().String(), "janus-protocol")
	if err != nil {
		t.Fatal(err)
	}
	go s.Close()
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("got %v", err)
	}
	<-e.closed
	s.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
