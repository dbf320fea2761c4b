package receive

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pause is between two rounds of reading.
	pause = time.Millisecond
	// TickInterval is how often handlers are ticked, about.
	TickInterval = 25 * time.Millisecond

	maxEvents    = 256
	socketBuffer = 1 << 20 // bytes asked of the kernel for each socket
)

// Handler is whose datagrams come. Its methods are called by the poller's goroutine alone, and must not wait.
type Handler interface {
	// Datagram borrows b. at is when the kernel had it, on the poller's clock.
	Datagram(b []byte, from netip.AddrPort, at time.Duration)
	// Tick is called each TickInterval.
	Tick(now time.Duration)
}

// Poller reads sockets for their handlers.
type Poller struct {
	epoll int
	start time.Time
	late  func(time.Duration)
	runs  bool // of segments are taken uncut
	done  atomic.Bool

	mu      sync.Mutex // guards what follows
	sockets map[int]*Socket
}

// NewPoller returns a poller whose clock is at 0 at start, which must have a monotonic reading. With wholeRuns, what was
// sent as a run of segments (UDP_SEGMENT) is read as one, as far as the link lets it be. late, unless nil, is told of each
// datagram how long it waited to be read.
func NewPoller(start time.Time, wholeRuns bool, late func(time.Duration)) (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &Poller{epoll: fd, start: start, late: late, runs: wholeRuns, sockets: map[int]*Socket{}}, nil
}

// Run reads until Stop.
func (p *Poller) Run() error {
	events := make([]unix.EpollEvent, maxEvents)
	b := newBatch()
	var ticked time.Duration
	for !p.done.Load() {
		n, err := unix.EpollWait(p.epoll, events, int(TickInterval/time.Millisecond))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if s := p.find(int(e.Fd)); s != nil {
				p.read(s, b)
			}
		}
		if now := time.Since(p.start); now-ticked >= TickInterval {
			ticked = now
			for _, s := range p.all() {
				s.tick(now)
			}
		}
		if n < maxEvents {
			time.Sleep(pause)
		}
	}
	return nil
}

// Stop has Run return. Its sockets are to be closed before Close.
func (p *Poller) Stop() { p.done.Store(true) }

// Close frees what a poller has that does not run.
func (p *Poller) Close() { _ = unix.Close(p.epoll) }

func (p *Poller) find(fd int) *Socket {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sockets[fd]
}

func (p *Poller) all() []*Socket {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*Socket, 0, len(p.sockets))
	for _, s := range p.sockets {
		all = append(all, s)
	}
	return all
}

// read gives a socket's handler what waits there, as far as one batch holds it.
func (p *Poller) read(s *Socket, b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	n, err := b.take(s.fd)
	if err != nil { // nothing there, or an ICMP error of something sent earlier
		return
	}
	wall := time.Now()
	now := wall.Sub(p.start)
	for i := range n {
		r := b.run(i)
		at := now
		if !r.at.IsZero() {
			waited := max(wall.Round(0).Sub(r.at), 0)
			at -= waited
			if p.late != nil {
				p.late(waited)
			}
		}
		for data := r.data; len(data) > 0; {
			length := min(r.segment, len(data))
			s.handler.Datagram(data[:length], r.from, at)
			data = data[length:]
		}
	}
}

// Socket is one UDP port over IPv4.
type Socket struct {
	poller  *Poller
	handler Handler
	port    uint16

	fd int

	mu     sync.Mutex // held while the handler is called; guards what follows
	closed bool
}

// Open binds a port that is free, on all addresses.
func (p *Poller) Open(h Handler) (*Socket, error) { return p.OpenPort(0, h) }

// OpenPort binds a port on all addresses.
func (p *Poller) OpenPort(port uint16, h Handler) (*Socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	s := &Socket{poller: p, handler: h, fd: fd}
	if err := s.bind(port); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	p.mu.Lock()
	p.sockets[fd] = s
	p.mu.Unlock()
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		p.forget(fd)
		_ = unix.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return s, nil
}

func (p *Poller) forget(fd int) {
	p.mu.Lock()
	delete(p.sockets, fd)
	p.mu.Unlock()
}

func (s *Socket) bind(port uint16) error {
	if err := unix.Bind(s.fd, &unix.SockaddrInet4{Port: int(port)}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	// Root may have more than the kernel's limit. Without runs or without times reading costs more or tells less, but works.
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
	}
	if s.poller.runs {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_UDP, unix.UDP_GRO, 1)
	}
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	s.port = uint16(name.(*unix.SockaddrInet4).Port)
	return nil
}

// Port is where the socket receives.
func (s *Socket) Port() uint16 { return s.port }

// Send sends a datagram. It may be called from anywhere, also by the handler; what cannot be sent is lost.
func (s *Socket) Send(b []byte, to netip.AddrPort) {
	_ = unix.Sendto(s.fd, b, unix.MSG_DONTWAIT, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
}

func (s *Socket) tick(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.handler.Tick(now)
	}
}

// Do runs f while the handler is not called.
func (s *Socket) Do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Close frees the port. The handler is not called again. Nothing may be sent any more.
func (s *Socket) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.poller.forget(s.fd)
	_ = unix.Close(s.fd) // which takes it out of epoll
}
