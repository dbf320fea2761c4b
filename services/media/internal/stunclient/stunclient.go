// Package stunclient asks a STUN server by which address it sees this machine (RFC 8489). Nothing else here needs one: it is
// for administrators who look for the cause of a missing connection.
package stunclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

const (
	firstWait = 500 * time.Millisecond // before a request is repeated; doubles with each (RFC 8489, section 6.2.1)
	patience  = 4 * time.Second        // somewhat less than callers have
	maxAnswer = 1500                   // bytes
)

// ErrAddress means that the server's name has no address.
var ErrAddress = errors.New("no address")

// Mapped returns the address that the server, a name or an address, sees of the UDP port local, 0 for any.
func Mapped(ctx context.Context, server string, port, local uint16) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ips, err := new(net.Resolver).LookupNetIP(ctx, "ip", server)
	if err != nil || len(ips) == 0 {
		return netip.AddrPort{}, fmt.Errorf("%w of %q: %w", ErrAddress, server, err)
	}
	to := netip.AddrPortFrom(ips[0].Unmap(), port)
	network := "udp4"
	if to.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, &net.UDPAddr{Port: int(local)})
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port for STUN: %w", err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("STUN request: %w", err)
	}
	return ask(ctx, conn, to, request)
}

// ask repeats the request until its answer comes or ctx ends.
func ask(ctx context.Context, conn *net.UDPConn, to netip.AddrPort, request *stun.Message) (netip.AddrPort, error) {
	buffer := make([]byte, maxAnswer)
	for wait := firstWait; ; wait *= 2 {
		if _, err := conn.WriteToUDPAddrPort(request.Raw, to); err != nil {
			return netip.AddrPort{}, fmt.Errorf("send to %v: %w", to, err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return netip.AddrPort{}, fmt.Errorf("wait for %v: %w", to, err)
		}
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if ctx.Err() != nil {
				return netip.AddrPort{}, fmt.Errorf("no answer of %v: %w", to, ctx.Err())
			}
			if err != nil {
				break // it is time to ask again
			}
			if from.Port() != to.Port() || from.Addr().Unmap() != to.Addr() {
				continue // somebody else
			}
			if mapped, ok := read(buffer[:n], request.TransactionID); ok {
				return mapped, nil
			}
		}
	}
}

// read returns the address in an answer to that transaction.
func read(b []byte, transaction [stun.TransactionIDSize]byte) (netip.AddrPort, bool) {
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || m.TransactionID != transaction || m.Type != stun.BindingSuccess {
		return netip.AddrPort{}, false
	}
	var xor stun.XORMappedAddress
	if xor.GetFrom(m) == nil {
		return addrPort(xor.IP, xor.Port)
	}
	var plain stun.MappedAddress // of servers older than RFC 5389
	if plain.GetFrom(m) == nil {
		return addrPort(plain.IP, plain.Port)
	}
	return netip.AddrPort{}, false
}

func addrPort(ip net.IP, port int) (netip.AddrPort, bool) {
	addr, ok := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), ok
}
