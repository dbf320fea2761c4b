package ws

import (
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestSlowReadersAreCutAndCounted: by the bytes that wait, by the messages, and by the time that one takes.
func TestSlowReadersAreCutAndCounted(t *testing.T) {
	for name, opt := range map[string]Options{
		"bytes":    {QueueLength: 1 << 30, QueueBytes: 1 << 20, WriteTime: time.Hour},
		"messages": {QueueLength: 16, QueueBytes: 1 << 40, WriteTime: time.Hour},
		"time":     {QueueLength: 1 << 30, QueueBytes: 64 << 20, WriteTime: 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			opt.Subprotocol, opt.MaxMessage, opt.MaxSockets = "janus-protocol", 1000, 10
			e := &echo{closed: make(chan struct{})}
			opened := make(chan *Socket, 1)
			s := New(opt, func(k *Socket) Client { opened <- k; return e }, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			ctx := t.Context()
			go func() { ended <- s.Serve(ctx, l) }()
			conn, resp, err := (&websocket.Dialer{Subprotocols: []string{"janus-protocol"}}).Dial("ws://"+l.Addr().String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			defer func() { _ = conn.Close() }() // it never reads
			socket, message := <-opened, []byte(strings.Repeat("x", 64<<10))
			for n := 0; ; n++ {
				select {
				case <-e.closed:
				default:
					if name != "time" || n < 900 { // what fits the queue; more than fits the buffers between
						socket.Send(message)
					} else {
						time.Sleep(time.Millisecond)
					}
					continue
				}
				break
			}
			s.Close()
			if n := testutil.ToFloat64(s.metrics.closed.WithLabelValues(reasonSlow)); n != 1 {
				t.Errorf("%v counted", n)
			}
			_ = l.Close()
			<-ended
		})
	}
}
