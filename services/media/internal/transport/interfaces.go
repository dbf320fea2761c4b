package transport

import (
	"fmt"
	"net"
	"net/netip"
)

// InterfaceAddress is an address of this machine's.
type InterfaceAddress struct {
	Interface string
	Address   netip.Addr
	// Unfit says why endpoints are not told of it, empty if they are.
	Unfit string
}

// InterfaceAddresses returns what this machine has. Of loopback addresses endpoints are told only if there is nothing else.
func InterfaceAddresses(ipv6 bool) ([]InterfaceAddress, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var all []InterfaceAddress
	told := false
	for _, i := range interfaces {
		of, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list addresses of %s: %w", i.Name, err)
		}
		for _, a := range of {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			one := InterfaceAddress{Interface: i.Name, Address: prefix.Addr()}
			switch ip := one.Address; {
			case ip.IsLoopback():
				one.Unfit = "loopback"
			case ip.IsLinkLocalUnicast():
				one.Unfit = "link-local"
			case ip.Is6() && !ipv6:
				one.Unfit = "the socket has no IPv6"
			default:
				told = true
			}
			all = append(all, one)
		}
	}
	if !told {
		all = append(all, InterfaceAddress{Interface: "lo", Address: netip.AddrFrom4([4]byte{127, 0, 0, 1})})
	}
	return all, nil
}

// interfaceAddresses are those that endpoints are told.
func interfaceAddresses(ipv6 bool) ([]netip.Addr, error) {
	all, err := InterfaceAddresses(ipv6)
	if err != nil {
		return nil, err
	}
	var hosts []netip.Addr
	for _, a := range all {
		if a.Unfit == "" {
			hosts = append(hosts, a.Address)
		}
	}
	return hosts, nil
}
