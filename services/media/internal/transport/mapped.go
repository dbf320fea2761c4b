package transport

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
	mappedTries = 5
	mappedWait  = 500 * time.Millisecond // first; doubles with each try, as in RFC 8489, section 6.2.1
)

// Mapped asks STUN servers, HOST:PORT each, one after another until one has told by which IP address this machine's packets
// reach it (XOR-MAPPED-ADDRESS, RFC 8489). It says nothing of ports: a 1:1 NAT keeps those of what comes in. The error,
// if none does within some 15 seconds each, says what became of each.
func Mapped(ctx context.Context, servers []string) (netip.Addr, error) {
	var failures []error
	for _, server := range servers {
		address, err := mappedBy(ctx, server)
		if err == nil {
			return address, nil
		}
		failures = append(failures, fmt.Errorf("ask STUN server %s: %w", server, err))
	}
	return netip.Addr{}, errors.Join(failures...)
}

func mappedBy(ctx context.Context, server string) (netip.Addr, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", server)
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return netip.Addr{}, err
	}
	buf := make([]byte, 1500)
	wait := mappedWait
	for range mappedTries {
		if _, err = conn.Write(request.Raw); err != nil {
			return netip.Addr{}, err
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		wait *= 2
		for {
			var n int
			if n, err = conn.Read(buf); err != nil {
				break
			}
			if address, ok := readMapped(buf[:n], request.TransactionID); ok {
				return address, nil
			}
		}
		if ctx.Err() != nil {
			return netip.Addr{}, ctx.Err()
		}
		if timeout := net.Error(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
			return netip.Addr{}, err
		}
	}
	return netip.Addr{}, errors.New("no answer")
}

// readMapped returns what the success response to a request tells. Anything else is none: who answers is not known yet.
func readMapped(datagram []byte, request [stun.TransactionIDSize]byte) (netip.Addr, bool) {
	response := &stun.Message{Raw: append([]byte(nil), datagram...)}
	if response.Decode() != nil || response.Type != stun.BindingSuccess || response.TransactionID != request {
		return netip.Addr{}, false
	}
	var mapped stun.XORMappedAddress
	if mapped.GetFrom(response) != nil {
		return netip.Addr{}, false
	}
	address, ok := netip.AddrFromSlice(mapped.IP)
	address = address.Unmap()
	return address, ok && !address.IsUnspecified() && !address.IsMulticast()
}
