//go:build !linux

package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
)

// burstReader takes one datagram at a time where there is no recvmmsg.
type burstReader struct {
	conn   *net.UDPConn
	buffer [maxRelayed + 1]byte
	failed uint64 // reads that took nothing but an error
	length int
	from   netip.AddrPort
}

func (r *burstReader) init(conn *net.UDPConn) error {
	r.conn = conn
	return nil
}

func (r *burstReader) read() (n int, err error) {
	for {
		r.length, r.from, err = r.conn.ReadFromUDPAddrPort(r.buffer[:])
		switch {
		case err == nil:
			return 1, nil
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		}
		r.failed++
		time.Sleep(time.Millisecond) // what lacks may take a while to come
	}
}

// poll finds nothing: there is one worker, which nobody pokes all the time.
func (r *burstReader) poll() int { return 0 }

func (r *burstReader) datagram(int) (b []byte, from netip.AddrPort, whole bool) {
	return r.buffer[:r.length], netip.AddrPortFrom(r.from.Addr().Unmap(), r.from.Port()), complete(r.buffer[:r.length])
}
