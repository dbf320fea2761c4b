// Package narrow is a link of little capacity between a browser and a node, in user space: what goes to the browser
// queues for its turn.
package narrow

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// queued is how many datagrams wait at most.
const queued = 60

// Link is one for a single PeerConnection.
type Link struct {
	Port     int          // where the browser finds it, on 127.0.0.1
	Rate     atomic.Int64 // to the browser, bits a second; 0 for any
	near     *net.UDPConn // that the browser talks to
	far      *net.UDPConn // that talks to the node
	endpoint atomic.Pointer[net.UDPAddr]
	queue    chan []byte
}

// Start opens a link to the node whose UDP port that is.
func Start(t testing.TB, node int) *Link {
	t.Helper()
	l := &Link{queue: make(chan []byte, queued)}
	loopback := net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	var err error
	if l.near, err = net.ListenUDP("udp4", &loopback); err != nil {
		t.Fatal(err)
	}
	if l.far, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: loopback.IP, Port: node}); err != nil {
		t.Fatal(err)
	}
	l.Port = l.near.LocalAddr().(*net.UDPAddr).Port
	var wg sync.WaitGroup
	wg.Go(l.up)
	wg.Go(l.receive)
	wg.Go(l.down)
	t.Cleanup(func() {
		_ = l.near.Close()
		_ = l.far.Close()
		wg.Wait()
	})
	return l
}

// up takes what the browser sends to the node, at once.
func (l *Link) up() {
	b := make([]byte, 2048)
	for {
		n, from, err := l.near.ReadFromUDP(b)
		if err != nil {
			return
		}
		l.endpoint.Store(from)
		_, _ = l.far.Write(b[:n])
	}
}

func (l *Link) receive() {
	defer close(l.queue)
	b := make([]byte, 2048)
	for {
		n, err := l.far.Read(b)
		if err != nil {
			return
		}
		select {
		case l.queue <- slices.Clone(b[:n]):
		default: // no room: lost
		}
	}
}

// down lets datagrams through, each when those before it have had their time.
func (l *Link) down() {
	next := time.Now()
	for b := range l.queue {
		if now := time.Now(); next.Before(now) {
			next = now
		}
		if rate := l.Rate.Load(); rate > 0 {
			next = next.Add(time.Duration(8*(len(b)+28)) * time.Second / time.Duration(rate))
			time.Sleep(time.Until(next))
		}
		if to := l.endpoint.Load(); to != nil {
			_, _ = l.near.WriteToUDP(b, to)
		}
	}
}
