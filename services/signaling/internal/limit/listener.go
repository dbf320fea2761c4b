package limit

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Listener closes connections that are too many, of all and of one address, before they have said anything. Those of proxies
// count among all alone.
type Listener struct {
	net.Listener
	proxies   Proxies
	all       *Table[struct{}]
	addresses *Table[netip.Prefix]
	refusals  *Refusals
}

// NewListener returns l, which accepts TCP, with bounds: on all its connections, and on those of one address, 0 for any.
func NewListener(l net.Listener, most, ofOne int, proxies []netip.Prefix, refusals *Refusals) *Listener {
	return &Listener{
		Listener: l, proxies: proxies, all: NewTable[struct{}](most, 0), addresses: NewTable[netip.Prefix](ofOne, 0), refusals: refusals,
	}
}

// Accept returns the next connection that is not too many.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c, ok := l.take(accepted); ok {
			return c, nil
		}
		_ = accepted.Close()
	}
}

func (l *Listener) take(accepted net.Conn) (net.Conn, bool) {
	tcp, ok := accepted.(*net.TCPConn)
	if !ok {
		return nil, false
	}
	from, _ := netip.ParseAddrPort(tcp.RemoteAddr().String())
	from = plain(from)
	leave, met := l.all.Enter(struct{}{}, time.Now())
	if met != None {
		l.refusals.Count(Connections, "remote", from.String())
		return nil, false
	}
	if l.proxies.has(from.Addr()) {
		return &conn{TCPConn: tcp, leave: sync.OnceFunc(leave)}, true
	}
	leaveAddress, met := l.addresses.Enter(network(from.Addr()), time.Now())
	if met != None {
		leave()
		l.refusals.Count(Connections, "remote", from.String())
		return nil, false
	}
	return &conn{TCPConn: tcp, leave: sync.OnceFunc(func() { leaveAddress(); leave() })}, true
}

// conn is a connection that counts until it is closed.
type conn struct {
	*net.TCPConn
	leave func()
}

// Close closes it.
func (c *conn) Close() error {
	defer c.leave()
	return c.TCPConn.Close()
}
