package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// maxDatagram is the largest datagram taken or sent, in bytes: an Ethernet frame's. Larger ones are dropped, as Janus does.
const maxDatagram = 1500

// maxOutbound is the room for a datagram to send, in bytes: RTP of maxDatagram, with what SRTP adds.
const maxOutbound = maxDatagram + 100

// socketBuffer is what the kernel is asked to keep in each direction, in bytes: 100 ms of 250 Mbit/s.
const socketBuffer = 4 << 20

// socket is a UDP port. All belongs to the worker's goroutine but for wake and writeFromAnywhere.
type socket struct {
	conn    *net.UDPConn
	reader  burstReader
	out     sender
	many    batchSender
	pending batch
	offload bool // the kernel splits a run into datagrams
	sent    sent

	mu     sync.Mutex // guards what follows
	anyone sender     // of other goroutines
}

// sent counts what left, with how many system calls, and what did not.
type sent struct{ packets, bytes, calls, failed, full, truncated uint64 }

func (s *sent) add(bytes int) {
	s.packets++
	s.bytes += uint64(bytes)
}

func openSocket(port uint16) (*socket, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: int(port)})
	if err != nil {
		return nil, err
	}
	return newSocket(conn)
}

// twin opens another socket on the same port, which the kernel gives its share of what arrives.
func (s *socket) twin() (*socket, error) {
	// Only now may the port be shared: a port that another program has is refused when the first socket is opened.
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := allowTwins(raw); err != nil {
		return nil, err
	}
	listen := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return allowTwins(c) }}
	conn, err := listen.ListenPacket(context.Background(), "udp", fmt.Sprintf(":%d", s.port()))
	if err != nil {
		return nil, err
	}
	return newSocket(conn.(*net.UDPConn))
}

func newSocket(conn *net.UDPConn) (*socket, error) {
	s := &socket{conn: conn, offload: segmentationOffload}
	// The kernel grants what its limits allow; less is no error.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	if err := errors.Join(s.reader.init(conn), s.out.init(conn), s.many.init(conn), s.anyone.init(conn)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// complete is false of a datagram that was cut, or is longer than those of its kind are taken.
func complete(b []byte) bool {
	return len(b) <= maxDatagram || b[0] == relayFirstByte && len(b) <= maxRelayed
}

func (s *socket) local() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *socket) port() uint16 { return s.local().Port() }

func (s *socket) dualStack() bool { return s.local().Addr().Is6() }

func (s *socket) close() error { return s.conn.Close() }

// wakeAfter has readBurst return os.ErrDeadlineExceeded after d. It fails on a closed socket only, which reading reports.
func (s *socket) wakeAfter(d time.Duration) { _ = s.conn.SetReadDeadline(time.Now().Add(d)) }

// wake has it return now.
func (s *socket) wake() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) }

// receiver takes a datagram, which it borrows.
type receiver func(from path, b []byte, now time.Duration)

// readBurst waits for a datagram, then gives f all that have come, with one reading of the clock for all.
func (s *socket) readBurst(clock func() time.Duration, f receiver) error {
	n, err := s.reader.read()
	if err != nil {
		return err
	}
	s.pass(n, clock(), f)
	return nil
}

// pollBurst does the same without waiting, whatever the deadline. Trouble is left for readBurst to find.
func (s *socket) pollBurst(clock func() time.Duration, f receiver) {
	if n := s.reader.poll(); n > 0 {
		s.pass(n, clock(), f)
	}
}

// pass gives f the datagrams read last.
func (s *socket) pass(n int, now time.Duration, f receiver) {
	for i := range n {
		b, from, whole := s.reader.datagram(i)
		if !whole {
			s.sent.truncated++
			continue
		}
		f(path{addr: from}, b, now)
	}
}

// writeNow sends one datagram, past the queue. A lost one is sent again by whoever needs it, so the error is not reported.
func (s *socket) writeNow(to netip.AddrPort, b []byte) { _ = s.out.send(b, nil, to) }

// writeFromAnywhere does the same on any goroutine.
func (s *socket) writeFromAnywhere(to netip.AddrPort, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.anyone.send(b, nil, to)
}

// room returns maxOutbound bytes to write a datagram in, for commit. Nothing else may be queued or flushed in between.
func (s *socket) room() []byte { return s.pending.room() }

// commit queues the n bytes written to room for p, at to. They leave with the next flush, or before.
func (s *socket) commit(p *Peer, to netip.AddrPort, n int) {
	s.sent.add(n)
	b := &s.pending
	if !b.fits(to, n, !s.offload) {
		written := b.room()[:n]
		s.flush()
		copy(b.room(), written)
	}
	b.add(p, to, n, !s.offload)
}

// flush sends what is queued, or loses it where the kernel has no room: to wait would cost all others.
func (s *socket) flush() {
	b := &s.pending
	if b.count == 0 {
		return
	}
	s.many.prepare(b)
	for i := 0; i < b.count; {
		s.sent.calls++
		n, err := s.many.send(b, i)
		if i += n; err == nil {
			continue
		}
		s.refused(&b.runs[i], err)
		i++
	}
	b.reset()
}

// refused deals with a run that the kernel did not take.
func (s *socket) refused(r *run, err error) {
	switch {
	case full(err):
		s.overrun(r, r.count)
	case r.count == 1:
		s.sent.failed++
	default:
		s.offload = !refusedOffload(err, r.segment) && s.offload
		s.sendSingly(r)
	}
}

// sendSingly sends a run as the kernel would have.
func (s *socket) sendSingly(r *run) {
	data := s.pending.data(r)
	for start := 0; start < r.length; start += r.segment {
		s.sent.calls++
		err := s.out.send(data[start:min(start+r.segment, r.length)], nil, r.to)
		switch {
		case err == nil:
		case full(err):
			s.overrun(r, (r.length-start+r.segment-1)/r.segment)
			return
		default:
			s.sent.failed++
		}
	}
}

// overrun counts packets of a run that were lost, and has their peer told.
func (s *socket) overrun(r *run, packets int) {
	s.sent.full += uint64(packets)
	if r.owner != nil {
		r.owner.overrun()
	}
}
