//go:build !linux

package transport

import (
	"net"
	"net/netip"
)

// burstReader takes one datagram at a time where there is no recvmmsg.
type burstReader struct {
	conn   *net.UDPConn
	buffer [maxDatagram + 1]byte
	length int
	from   netip.AddrPort
}

func (r *burstReader) init(conn *net.UDPConn) error {
	r.conn = conn
	return nil
}

func (r *burstReader) read() (n int, err error) {
	if r.length, r.from, err = r.conn.ReadFromUDPAddrPort(r.buffer[:]); err != nil {
		return 0, err
	}
	return 1, nil
}

func (r *burstReader) datagram(int) (b []byte, from netip.AddrPort, whole bool) {
	return r.buffer[:r.length], netip.AddrPortFrom(r.from.Addr().Unmap(), r.from.Port()), r.length <= maxDatagram
}
