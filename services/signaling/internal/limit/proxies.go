package limit

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of those whose word about who asks is believed.
type Proxies []netip.Prefix

// Endpoint returns who asks: who the connection is from or, if that is a proxy, whom it names in X-Forwarded-For. Each proxy
// appends whom it has heard from, so it is the last one that is no proxy; what stands before that may be made up.
func (p Proxies) Endpoint(r *http.Request) netip.AddrPort {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{}
	}
	from = plain(from)
	named := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(named) - 1; i >= 0 && p.has(from.Addr()); i-- {
		next, ok := parse(strings.TrimSpace(named[i]))
		if !ok {
			break
		}
		from = next
	}
	return from
}

func (p Proxies) has(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// parse reads an address, with or without a port.
func parse(text string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return plain(netip.AddrPortFrom(a, 0)), true
	}
	a, err := netip.ParseAddrPort(text)
	return plain(a), err == nil
}

// plain writes an IPv4 address as one, and without what only this machine knows it by.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// network is what counts as one endpoint: an IPv4 address, or the IPv6 network of a household (RFC 6177, section 2).
func network(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // of no address at all, none: they are all one
	return p
}
