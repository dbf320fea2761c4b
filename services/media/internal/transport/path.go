package transport

import "net/netip"

// path is one way to an endpoint: a UDP address, or a TCP connection of ours.
type path struct {
	addr netip.AddrPort // IPv4 never as IPv4-mapped IPv6
	tcp  *tcpConn       // nil for UDP
}

func (p path) valid() bool { return p.addr.IsValid() }
