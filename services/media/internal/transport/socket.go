package transport

import (
	"net"
	"net/netip"
	"time"
)

// maxDatagram is the largest datagram taken or sent, in bytes: an Ethernet frame's. Larger ones are dropped, as Janus does.
const maxDatagram = 1500

// maxOutbound is the room for a datagram to send, in bytes: RTP of maxDatagram, with what SRTP adds.
const maxOutbound = maxDatagram + 100

// socketBuffer is what the kernel is asked to keep in each direction, in bytes: 100 ms of 250 Mbit/s.
const socketBuffer = 4 << 20

// socket is a UDP port. Reading and queue belong to the worker's goroutine; writeNow and wake may be called from anywhere.
type socket struct {
	conn    *net.UDPConn
	reader  burstReader
	pending run
	offload bool // the kernel splits a run into datagrams
	sent    sent
}

// sent counts what left, with how many system calls, and what did not.
type sent struct{ packets, bytes, calls, failed, truncated uint64 }

func (s *sent) add(bytes int) {
	s.packets++
	s.bytes += uint64(bytes)
}

func openSocket(port uint16) (*socket, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: int(port)})
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, offload: segmentationOffload}
	// The kernel grants what its limits allow; less is no error.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	if err := s.reader.init(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) local() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *socket) port() uint16 { return s.local().Port() }

func (s *socket) dualStack() bool { return s.local().Addr().Is6() }

func (s *socket) close() error { return s.conn.Close() }

// wakeAfter has readBurst return os.ErrDeadlineExceeded after d. It fails on a closed socket only, which reading reports.
func (s *socket) wakeAfter(d time.Duration) { _ = s.conn.SetReadDeadline(time.Now().Add(d)) }

// wake has it return now.
func (s *socket) wake() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) }

// readBurst waits for a datagram, then gives f all that have come, with one reading of the clock for all. f borrows them.
func (s *socket) readBurst(clock func() time.Duration, f func(from path, b []byte, now time.Duration)) error {
	n, err := s.reader.read()
	if err != nil {
		return err
	}
	now := clock()
	for i := range n {
		b, from, whole := s.reader.datagram(i)
		if !whole {
			s.sent.truncated++
			continue
		}
		f(path{addr: from}, b, now)
	}
	return nil
}

// writeNow sends one datagram. A lost one is sent again by whoever needs it, so the error is not reported.
func (s *socket) writeNow(to netip.AddrPort, b []byte) { _, _ = s.conn.WriteToUDPAddrPort(b, to) }

// room returns maxOutbound bytes to write a datagram in, for commit. Nothing else may be queued or flushed in between.
func (s *socket) room() []byte { return s.pending.room() }

// commit queues the n bytes written to room for to. They leave with the next flush, or before.
func (s *socket) commit(to netip.AddrPort, n int) {
	s.sent.add(n)
	if !s.pending.fits(to, n) {
		written := s.pending.room()[:n]
		s.flush()
		copy(s.pending.room(), written)
	}
	s.pending.add(to, n)
	if !s.offload {
		s.flush()
	}
}

// flush sends what is queued.
func (s *socket) flush() {
	r := &s.pending
	if r.count == 0 {
		return
	}
	s.sent.calls++
	if r.count == 1 {
		if _, err := s.conn.WriteToUDPAddrPort(r.buffer[:r.length], r.to); err != nil {
			s.sent.failed++
		}
	} else if err := r.send(s.conn); err != nil {
		s.offload = !refusedOffload(err, r.segment) && s.offload
		s.flushSingly()
	}
	r.reset()
}

// flushSingly sends the run as the kernel would have.
func (s *socket) flushSingly() {
	r := &s.pending
	for start := 0; start < r.length; start += r.segment {
		s.sent.calls++
		if _, err := s.conn.WriteToUDPAddrPort(r.buffer[start:min(start+r.segment, r.length)], r.to); err != nil {
			s.sent.failed++
		}
	}
}
