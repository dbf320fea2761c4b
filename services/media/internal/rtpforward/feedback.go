package rtpforward

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

// askAtMost is how often a receiver's wish for a key frame is passed on.
const askAtMost = 200 * time.Millisecond

// Feedback is where a receiver asks for key frames.
type Feedback struct {
	conn *net.UDPConn
	done chan struct{}
}

// Listen opens a port for the RTCP of a receiver, and says so to it by an empty datagram, which opens a NAT. keyframe is
// called for each PLI or FIR (RFC 4585, RFC 5104) that comes from its address, on a goroutine of the port's own.
func (o *Outlet) Listen(receiver netip.AddrPort, keyframe func()) (*Feedback, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("forwarding's RTCP: %w", err)
	}
	f := &Feedback{conn: conn, done: make(chan struct{})}
	_, _ = conn.WriteToUDPAddrPort(nil, receiver) // nobody there yet is no harm
	o.ended.Go(func() {
		select {
		case <-o.ending:
		case <-f.done:
		}
		_ = conn.Close()
	})
	o.ended.Go(func() { f.read(receiver.Addr(), keyframe) })
	return f, nil
}

// Port is the local one.
func (f *Feedback) Port() uint16 { return f.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// Close ends the port, once.
func (f *Feedback) Close() { close(f.done) }

// read ends with the socket. Errors of single datagrams, as where nobody listens at the far end, do not end it.
func (f *Feedback) read(from netip.Addr, keyframe func()) {
	b := make([]byte, 1500)
	var last time.Time
	for {
		n, sender, err := f.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if now := time.Now(); sender.Addr().Unmap() == from && now.Sub(last) >= askAtMost && wantsKeyframe(b[:n]) {
			last = now
			keyframe()
		}
	}
}

// wantsKeyframe is true of RTCP that asks for one.
func wantsKeyframe(b []byte) bool {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return false
	}
	for _, p := range packets {
		switch p.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			return true
		}
	}
	return false
}
