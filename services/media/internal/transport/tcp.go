package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	maxTCPConns     = 1024
	tcpIdle         = 30 * time.Second // without a frame; a browser checks every 2.5 s or so
	tcpWriteTimeout = 5 * time.Second
	tcpQueue        = 256 // frames that wait to be written
)

// tcpServer accepts ICE-TCP connections (RFC 6544, passive candidates). Packets are framed by RFC 4571.
type tcpServer struct {
	listener *net.TCPListener
	slots    chan struct{} // one for each connection

	mu     sync.Mutex
	closed bool
	conns  map[*tcpConn]struct{}
}

func listenTCP(port uint16) (*tcpServer, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{Port: int(port)})
	if err != nil {
		return nil, err
	}
	return &tcpServer{listener: l, slots: make(chan struct{}, maxTCPConns), conns: map[*tcpConn]struct{}{}}, nil
}

// run accepts until close.
func (s *tcpServer) run(w *Worker) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := s.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, or the endpoint has left already
			w.log.Warn("accept ICE-TCP", "err", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		select {
		case s.slots <- struct{}{}:
		default:
			_ = conn.Close()
			continue
		}
		c := newTCPConn(conn)
		if !s.add(c) {
			_ = conn.Close()
			return
		}
		wg.Go(func() {
			c.run(w)
			s.remove(c)
			<-s.slots
		})
	}
}

func (s *tcpServer) add(c *tcpConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *tcpServer) remove(c *tcpConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
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
	conn  *net.TCPConn
	from  netip.AddrPort
	queue chan []byte // frames; never closed
	done  chan struct{}
}

func newTCPConn(conn *net.TCPConn) *tcpConn {
	from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	return &tcpConn{
		conn: conn, from: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()),
		queue: make(chan []byte, tcpQueue), done: make(chan struct{}),
	}
}

// run reads frames until the connection ends, then takes its path from whoever has it.
func (c *tcpConn) run(w *Worker) {
	var writer sync.WaitGroup
	writer.Go(c.write)
	c.read(w)
	_ = c.conn.Close()
	close(c.done)
	writer.Wait()
	w.Post(func(time.Duration) {
		if claimed := w.paths[c.path()]; claimed != nil {
			claimed.owner.lose(c.path())
		}
	})
}

func (c *tcpConn) path() path { return path{addr: c.from, tcp: c} }

// read hands each frame to the worker and waits for it, so that a flood waits in TCP's window.
func (c *tcpConn) read(w *Worker) {
	r := bufio.NewReaderSize(c.conn, 16<<10)
	frame := make([]byte, maxDatagram)
	handled := make(chan struct{}, 1)
	handle := func(now time.Duration) {
		w.receive(c.path(), frame, now)
		w.flush(now)
		handled <- struct{}{}
	}
	for {
		if c.conn.SetReadDeadline(time.Now().Add(tcpIdle)) != nil {
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(size[:]))
		if n > maxDatagram {
			return // no frame of an endpoint's is so long: the stream is out of step
		}
		frame = frame[:n]
		if _, err := io.ReadFull(r, frame); err != nil {
			return
		}
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
			if _, err := c.conn.Write(frame); err != nil {
				_ = c.conn.Close() // reading ends too
				return
			}
		case <-c.done:
			return
		}
	}
}

// send queues a copy of b; false if the queue is full.
func (c *tcpConn) send(b []byte) bool {
	frame := make([]byte, 2+len(b))
	binary.BigEndian.PutUint16(frame, uint16(len(b)))
	copy(frame[2:], b)
	select {
	case c.queue <- frame:
		return true
	default:
		return false
	}
}
