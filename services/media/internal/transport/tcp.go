package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxTCPConns     = 1024
	maxTCPPerSource = 64               // of those, from one address
	tcpProof        = 5 * time.Second  // until a peer's first good check
	tcpIdle         = 30 * time.Second // without a frame; a browser checks every 2.5 s or so
	tcpWriteTimeout = 5 * time.Second
	tcpQueue        = 256  // frames that wait to be written
	tcpSpareFrames  = 2048 // of all connections, kept for reuse
	tcpFrameSize    = 2 + maxOutbound
)

// tcpServer accepts ICE-TCP connections (RFC 6544, passive candidates). Packets are framed by RFC 4571.
type tcpServer struct {
	listener *net.TCPListener
	slots    chan struct{} // one for each connection
	frames   frameList

	mu      sync.Mutex
	closed  bool
	conns   map[*tcpConn]struct{}
	sources map[netip.Addr]int // connections from there
}

// frameList is where written frames go, to be used again.
type frameList chan []byte

func (l frameList) get() []byte {
	select {
	case frame := <-l:
		return frame
	default:
		return make([]byte, 0, tcpFrameSize)
	}
}

func (l frameList) put(frame []byte) {
	select {
	case l <- frame[:0]:
	default:
	}
}

func listenTCP(port uint16) (*tcpServer, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{Port: int(port)})
	if err != nil {
		return nil, err
	}
	return &tcpServer{
		listener: l, slots: make(chan struct{}, maxTCPConns), frames: make(frameList, tcpSpareFrames),
		conns: map[*tcpConn]struct{}{}, sources: map[netip.Addr]int{},
	}, nil
}

// run accepts until close.
func (s *tcpServer) run(g *Group) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := s.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, or the endpoint has left already
			g.log.Warn("accept ICE-TCP", "err", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		select {
		case s.slots <- struct{}{}:
		default:
			_ = conn.Close()
			continue
		}
		c := newTCPConn(conn, s.frames)
		c.home.Store(g.workers[0])
		if !s.add(c) {
			_ = conn.Close()
			<-s.slots
			continue
		}
		wg.Go(func() {
			c.run()
			s.remove(c)
			<-s.slots
		})
	}
}

// add refuses a connection of a source that has enough, or of any after close.
func (s *tcpServer) add(c *tcpConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	source := c.source()
	if s.closed || s.sources[source] == maxTCPPerSource {
		return false
	}
	s.conns[c] = struct{}{}
	s.sources[source]++
	return true
}

func (s *tcpServer) remove(c *tcpConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	source := c.source()
	if s.sources[source]--; s.sources[source] == 0 {
		delete(s.sources, source)
	}
}

// close ends the listener and all connections; run returns soon.
func (s *tcpServer) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	conns := make([]*tcpConn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.conn.Close()
	}
}

// tcpConn is one connection. send may be called from anywhere.
type tcpConn struct {
	conn   *net.TCPConn
	from   netip.AddrPort
	frames frameList
	queue  chan []byte // frames; never closed
	done   chan struct{}
	home   atomic.Pointer[Worker] // whose peer it is: the first's, until a good check shows another
	proved atomic.Bool            // a peer's good check came on it
}

func newTCPConn(conn *net.TCPConn, frames frameList) *tcpConn {
	from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	return &tcpConn{
		conn: conn, from: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()),
		frames: frames, queue: make(chan []byte, tcpQueue), done: make(chan struct{}),
	}
}

// source is what counts as one host: of IPv6, which gives each a network, the first 64 bits.
func (c *tcpConn) source() netip.Addr {
	addr := c.from.Addr()
	if addr.Is6() {
		network, err := addr.WithZone("").Prefix(64)
		if err == nil {
			return network.Addr()
		}
	}
	return addr
}

// run reads frames until the connection ends, then takes its path from whoever has it.
func (c *tcpConn) run() {
	var writer sync.WaitGroup
	writer.Go(c.write)
	c.read()
	_ = c.conn.Close()
	close(c.done)
	writer.Wait()
	w := c.home.Load() // after done is closed: whoever comes later sees that
	w.Post(func(time.Duration) {
		if claimed := w.paths[c.path()]; claimed != nil {
			claimed.owner.lose(c.path())
		}
	})
}

// prove ends the connection's probation, and makes a worker the one that gets its frames. False if it has ended.
func (c *tcpConn) prove(w *Worker) bool {
	c.proved.Store(true)
	if c.home.Load() != w {
		c.home.Store(w)
	}
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

func (c *tcpConn) path() path { return path{addr: c.from, tcp: c} }

// read hands each frame to a worker and waits for it, so that a flood waits in TCP's window.
func (c *tcpConn) read() {
	r := bufio.NewReaderSize(c.conn, 16<<10)
	frame := make([]byte, maxDatagram)
	handled := make(chan struct{}, 1)
	w := c.home.Load()
	handle := func(now time.Duration) {
		w.receive(c.path(), frame, now)
		handled <- struct{}{}
	}
	proof := time.Now().Add(tcpProof)
	for {
		deadline := proof
		if c.proved.Load() {
			deadline = time.Now().Add(tcpIdle)
		}
		if c.conn.SetReadDeadline(deadline) != nil {
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(size[:]))
		if n == 0 || n > maxDatagram {
			return // no frame of an endpoint's is so: the stream is out of step
		}
		frame = frame[:n]
		if _, err := io.ReadFull(r, frame); err != nil {
			return
		}
		w = c.home.Load()
		if !w.Post(handle) {
			return
		}
		<-handled
	}
}

func (c *tcpConn) write() {
	for {
		select {
		case frame := <-c.queue:
			if c.conn.SetWriteDeadline(time.Now().Add(tcpWriteTimeout)) != nil {
				return
			}
			_, err := c.conn.Write(frame)
			c.frames.put(frame)
			if err != nil {
				_ = c.conn.Close() // reading ends too
				return
			}
		case <-c.done:
			return
		}
	}
}

// send queues a copy of b; false if the queue is full. A steady flow allocates nothing.
func (c *tcpConn) send(b []byte) bool {
	frame := append(binary.BigEndian.AppendUint16(c.frames.get(), uint16(len(b))), b...)
	select {
	case c.queue <- frame:
		return true
	default:
		c.frames.put(frame)
		return false
	}
}
