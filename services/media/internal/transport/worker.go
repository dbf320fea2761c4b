package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// tick is how often a worker looks at its timers.
const tick = 10 * time.Millisecond

// ErrStopped means that the worker no longer runs.
var ErrStopped = errors.New("media worker stopped")

// Config says where a Worker listens and how it is found.
type Config struct {
	Port      uint16       // UDP, and TCP if wanted; 0 for any
	TCP       bool         // accept ICE-TCP (RFC 6544, passive) on the same port number
	Advertise []netip.Addr // what candidates name; empty for the addresses of this machine's interfaces
	Log       *slog.Logger
}

// Hooks are called on the worker's goroutine.
type Hooks struct {
	Flush func(now time.Duration) // after each burst
	Tick  func(now time.Duration) // each 10 ms
}

// Worker owns a socket and its peers. Its methods may be called from its own goroutine only, but for Run, Do, Post,
// Now, Counters, and those that tell what never changes.
type Worker struct {
	log     *slog.Logger
	socket  *socket
	tcp     *tcpServer // nil without ICE-TCP
	hosts   []netip.Addr
	cert    *certificate
	hooks   Hooks // set by Run
	started time.Time
	epoch   time.Duration // the node's clock at started
	mail    mailbox
	stun    stunAgent
	forged  failures
	rtcp    []byte // scratch
	sealed  []byte // likewise

	peers map[string]*Peer // by local ufrag; two entries during an ICE restart
	paths map[path]*claim  // where an endpoint has proved to be
	live  map[*Peer]struct{}

	inbound  Counters // of this goroutine alone
	counters publishedCounters
	tasks    sync.WaitGroup // goroutines of peers
}

// Listen opens the port. Run must be called, even to close it.
func Listen(cfg Config) (*Worker, error) { return listen(cfg, interfaceAddresses) }

// listen asks addresses for this machine's, if it has to.
func listen(cfg Config, addresses func(ipv6 bool) ([]netip.Addr, error)) (*Worker, error) {
	cert, err := newCertificate()
	if err != nil {
		return nil, err
	}
	w := &Worker{
		log: cfg.Log, hosts: cfg.Advertise, cert: cert,
		started: time.Now(), peers: map[string]*Peer{}, paths: map[path]*claim{}, live: map[*Peer]struct{}{},
		forged: failures{counts: map[netip.Addr]int{}},
	}
	w.epoch = time.Duration(w.started.UnixNano())
	if w.socket, w.tcp, err = open(cfg); err != nil {
		return nil, err
	}
	if len(w.hosts) == 0 {
		if w.hosts, err = addresses(w.socket.dualStack()); err != nil {
			return nil, errors.Join(err, w.closeListeners())
		}
	}
	w.mail.wake = w.socket.wake
	return w, nil
}

// closeListeners is for a worker that will not run.
func (w *Worker) closeListeners() error {
	err := w.socket.close()
	if w.tcp != nil {
		w.tcp.close()
	}
	return err
}

// open binds both sockets to one port number. When any will do, another is tried if TCP has that one taken.
func open(cfg Config) (*socket, *tcpServer, error) {
	const tries = 8
	for try := 1; ; try++ {
		s, err := openSocket(cfg.Port)
		if err != nil {
			return nil, nil, fmt.Errorf("open UDP port %d: %w", cfg.Port, err)
		}
		if !cfg.TCP {
			return s, nil, nil
		}
		t, err := listenTCP(s.port())
		if err == nil {
			return s, t, nil
		}
		if err = errors.Join(err, s.close()); cfg.Port != 0 || try == tries {
			return nil, nil, fmt.Errorf("open TCP port %d: %w", cfg.Port, err)
		}
	}
}

// interfaceAddresses returns what this machine can be reached at: loopback only if there is nothing else.
func interfaceAddresses(ipv6 bool) ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list interface addresses: %w", err)
	}
	var hosts []netip.Addr
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		ip := prefix.Addr()
		if ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.Is6() && !ipv6 {
			continue
		}
		hosts = append(hosts, ip)
	}
	if len(hosts) == 0 {
		hosts = append(hosts, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return hosts, nil
}

// Now is the node's clock: a time since the Unix epoch, read once from the wall clock and advanced by the monotonic
// one ever after.
func (w *Worker) Now() time.Duration { return w.epoch + time.Since(w.started) }

// Port is the number in use.
func (w *Worker) Port() uint16 { return w.socket.port() }

// Fingerprint is what SDP says of our certificate, as in "sha-256 AB:CD:…".
func (w *Worker) Fingerprint() string { return w.cert.fingerprint }

// Run serves until ctx ends, then closes what peers are left and waits for all that was started.
func (w *Worker) Run(ctx context.Context, hooks Hooks) error {
	w.hooks = hooks
	defer w.tasks.Wait()
	defer w.drainAfterEnd()
	defer w.closeAll()
	defer context.AfterFunc(ctx, w.socket.wake)()
	if w.tcp != nil {
		w.tasks.Go(func() { w.tcp.run(w) })
	}
	clock, receive := w.Now, w.receive // made once: method values allocate
	next := w.Now() + tick
	w.socket.wakeAfter(tick)
	for ctx.Err() == nil {
		for _, f := range w.mail.take() {
			f(w.Now())
		}
		err := w.socket.readBurst(clock, receive)
		now := w.Now()
		switch {
		case err == nil:
			w.flush(now)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("read UDP: %w", err)
		}
		if now >= next {
			w.tick(now)
			w.flush(now)
			next = now + tick
		}
		if err != nil { // the deadline has passed, or somebody wrote: it must be set before mail is looked at
			w.socket.wakeAfter(max(next-now, time.Millisecond))
		}
	}
	return nil
}

// Post has f run soon on the worker's goroutine. False means that it never will.
func (w *Worker) Post(f func(now time.Duration)) bool { return w.mail.put(f) }

// Do runs f on the worker's goroutine and waits for it. When ctx ends first, f may still run.
func (w *Worker) Do(ctx context.Context, f func(now time.Duration)) error {
	done := make(chan struct{})
	if !w.Post(func(now time.Duration) { defer close(done); f(now) }) {
		return ErrStopped
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive takes one datagram. b is only lent.
func (w *Worker) receive(from path, b []byte, now time.Duration) {
	w.inbound.PacketsIn++
	w.inbound.BytesIn += uint64(len(b))
	k := classify(b)
	switch k {
	case kindSTUN:
		w.receiveSTUN(from, b, now)
		return
	case kindUnknown:
		w.drop(DropUnknownKind)
		return
	}
	c := w.paths[from]
	if c == nil {
		w.drop(DropUnknownPath)
		return
	}
	switch p := c.owner; k {
	case kindDTLS:
		p.dtls.feed(b)
	case kindRTP:
		if p.receiveRTP(b, now) {
			c.used = now
		}
	case kindRTCP:
		if p.receiveRTCP(b, now) {
			c.used = now
		}
	}
}

// flush ends a burst.
func (w *Worker) flush(now time.Duration) {
	if w.hooks.Flush != nil {
		w.hooks.Flush(now)
	}
	w.socket.flush()
}

func (w *Worker) tick(now time.Duration) {
	for p := range w.live {
		p.tick(now)
	}
	if w.hooks.Tick != nil {
		w.hooks.Tick(now)
	}
	w.counters.publish(w.inbound, w.socket.sent, w.socket.reader.failed)
}

func (w *Worker) drop(why Drop) { w.inbound.Drops[why]++ }

func (w *Worker) closeAll() {
	for p := range w.live {
		p.Close()
	}
	if w.tcp != nil {
		w.tcp.close()
	}
}

// drainAfterEnd lets goroutines that wait for the worker finish, then closes the socket, on which they still say goodbye.
func (w *Worker) drainAfterEnd() {
	gone := make(chan struct{})
	go func() {
		w.tasks.Wait()
		close(gone)
	}()
	for {
		for _, f := range w.mail.take() {
			f(w.Now())
		}
		select {
		case <-gone:
			for _, f := range w.mail.close() {
				f(w.Now())
			}
			if err := w.socket.close(); err != nil {
				w.log.Warn("close UDP port", "err", err)
			}
			return
		case <-time.After(tick):
		}
	}
}
