package browser

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Edge is where the balancer sends sockets.
type Edge struct {
	Address string // host:port of its WebSocket
	Ready   string // URL that says whether it takes work
}

// balancer is what stands before edges, as in every installation of several: janus.js claims its session at the address that it
// knows. A socket goes to the first edge, in turn, that is ready.
type balancer struct {
	listener net.Listener
	edges    []Edge
	running  sync.WaitGroup

	mu    sync.Mutex // guards what follows
	next  int
	conns map[net.Conn]bool
	over  bool
}

const healthTimeout = 500 * time.Millisecond

func balance(edges []Edge) (*balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{listener: l, edges: edges, conns: map[net.Conn]bool{}}
	b.running.Go(b.serve)
	return b, nil
}

func (b *balancer) serve() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.running.Go(func() { b.carry(c) })
	}
}

// carry joins a browser's socket with one to an edge until either ends.
func (b *balancer) carry(c net.Conn) {
	defer b.drop(c)
	if !b.keep(c) {
		return
	}
	edge := b.dial()
	if edge == nil {
		return
	}
	defer b.drop(edge)
	if !b.keep(edge) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, edge}, {edge, c}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	both.Wait()
}

func (b *balancer) dial() net.Conn {
	for range b.edges {
		b.mu.Lock()
		e := b.edges[b.next%len(b.edges)]
		b.next++
		b.mu.Unlock()
		if !ready(e.Ready) {
			continue
		}
		if c, err := net.DialTimeout("tcp", e.Address, healthTimeout); err == nil {
			return c
		}
	}
	return nil
}

func ready(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (b *balancer) keep(c net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[c] = true
	return !b.over
}

func (b *balancer) drop(c net.Conn) {
	_ = c.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
}

func (b *balancer) close() {
	_ = b.listener.Close()
	b.mu.Lock()
	b.over = true
	for c := range b.conns {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.running.Wait()
}
