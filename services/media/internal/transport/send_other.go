//go:build !linux

package transport

import (
	"net"
	"net/netip"
)

// sender gives datagrams to the kernel. Here it waits where the socket's buffer is full.
type sender struct{ conn *net.UDPConn }

func (s *sender) init(conn *net.UDPConn) error {
	s.conn = conn
	return nil
}

func (s *sender) send(b, _ []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to)
	return err
}

func full(error) bool { return false }
