package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// Config says where a Group listens and how it is found.
type Config struct {
	Port      uint16       // UDP, and TCP if wanted; 0 for any
	Workers   int          // at least 1; fewer run where the kernel does not let them share a port
	TCP       bool         // accept ICE-TCP (RFC 6544, passive) on the same port number
	Advertise []netip.Addr // what candidates name; empty for the addresses of this machine's interfaces
	Log       *slog.Logger
}

// Group is the workers of one UDP port. Each has a socket of its own (SO_REUSEPORT), among which the kernel
// distributes endpoints by a hash of their addresses, and peers of its own, whom it serves wherever their datagrams
// arrive. All methods may be called from anywhere.
type Group struct {
	log     *slog.Logger
	workers []*Worker
	tcp     *tcpServer // nil without ICE-TCP
	hosts   []netip.Addr
	certs   [certificates]*certificate
	known   directory
	started time.Time
	epoch   time.Duration // the node's clock at started
}

// Listen opens the port. Run must be called, even to close it.
func Listen(cfg Config) (*Group, error) { return listen(cfg, interfaceAddresses) }

// listen asks addresses for this machine's, if it has to.
func listen(cfg Config, addresses func(ipv6 bool) ([]netip.Addr, error)) (*Group, error) {
	g := &Group{
		log: cfg.Log, hosts: cfg.Advertise, started: time.Now(),
		known: directory{ufrags: map[string]*Worker{}, claims: map[path]*claim{}, relays: map[uint32]struct{}{}},
	}
	g.epoch = time.Duration(g.started.UnixNano())
	for i := range g.certs {
		var err error
		if g.certs[i], err = newCertificate(); err != nil {
			return nil, err
		}
	}
	first, err := g.open(cfg)
	if err != nil {
		return nil, err
	}
	g.workers = append(g.workers, newWorker(g, first))
	g.share(cfg.Workers)
	if len(g.hosts) == 0 {
		if g.hosts, err = addresses(first.dualStack()); err != nil {
			return nil, errors.Join(err, g.closeListeners())
		}
	}
	return g, nil
}

// share opens the sockets of all workers but the first.
func (g *Group) share(workers int) {
	first := g.workers[0].socket
	for len(g.workers) < workers {
		s, err := first.twin()
		if err != nil {
			g.log.Warn("one port for several workers", "workers", len(g.workers), "wanted", workers, "err", err)
			break
		}
		g.workers = append(g.workers, newWorker(g, s))
	}
	for _, w := range g.workers {
		w.joined()
	}
}

// Discard closes a group that was never run.
func (g *Group) Discard() { _ = g.closeListeners() }

// DualStack tells whether the port is open for IPv6 as well.
func (g *Group) DualStack() bool { return g.workers[0].socket.dualStack() }

// closeListeners is for a group that will not run.
func (g *Group) closeListeners() error {
	var err error
	for _, w := range g.workers {
		err = errors.Join(err, w.socket.close())
	}
	if g.tcp != nil {
		g.tcp.close()
	}
	return err
}

// open binds UDP and TCP to one port number. When any will do, another is tried if TCP has that one taken.
func (g *Group) open(cfg Config) (*socket, error) {
	const tries = 8
	for try := 1; ; try++ {
		s, err := openSocket(cfg.Port)
		if err != nil {
			return nil, fmt.Errorf("open UDP port %d: %w", cfg.Port, err)
		}
		if !cfg.TCP {
			return s, nil
		}
		if g.tcp, err = listenTCP(s.port()); err == nil {
			return s, nil
		}
		if err = errors.Join(err, s.close()); cfg.Port != 0 || try == tries {
			return nil, fmt.Errorf("open TCP port %d: %w", cfg.Port, err)
		}
	}
}

// Run serves until ctx ends or a worker fails; then peers are closed and all that was started has ended. flushed
// returns what a worker calls at the end of each burst, on its goroutine.
func (g *Group) Run(ctx context.Context, flushed func(worker int) func(now time.Duration)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make([]error, len(g.workers))
	var tcp, workers sync.WaitGroup
	if g.tcp != nil {
		tcp.Go(func() { g.tcp.run(g) })
	}
	for i, w := range g.workers {
		workers.Go(func() {
			failures[i] = w.run(ctx, flushed(i))
			cancel()
		})
	}
	workers.Wait()
	if g.tcp != nil {
		g.tcp.close()
	}
	tcp.Wait()
	return errors.Join(failures...)
}

// Workers are those that run, at least one.
func (g *Group) Workers() []*Worker { return g.workers }

// Now is the node's clock: a time since the Unix epoch, read once from the wall clock and advanced by the monotonic
// one ever after.
func (g *Group) Now() time.Duration { return g.epoch + time.Since(g.started) }

// Port is the number in use.
func (g *Group) Port() uint16 { return g.workers[0].socket.port() }

// Counters are those of all workers together, at most 100 ms old.
func (g *Group) Counters() (all Counters) {
	for _, w := range g.workers {
		all.add(w.counters.load())
	}
	return all
}
