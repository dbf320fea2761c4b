// Package post sends what rooms post to web servers: without holding anybody up, and nowhere but where it is allowed.
package post

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Setting is the name of the setting that says where posts may go.
const Setting = "text-post-allow"

// ErrForbidden means that posts may not go there.
var ErrForbidden = errors.New("not allowed by --" + Setting)

// Allow says where posts may go: to some hosts, by their names, and to any that have addresses in some networks. A nil one
// allows nothing.
type Allow struct {
	hosts    []string
	networks []netip.Prefix
}

// ParseAllow reads a list of names, addresses and networks such as 10.0.0.0/8.
func ParseAllow(list []string) (*Allow, error) {
	a := &Allow{}
	for _, entry := range list {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if network, err := netip.ParsePrefix(entry); err == nil {
			a.networks = append(a.networks, network.Masked())
			continue
		}
		if address, err := netip.ParseAddr(entry); err == nil {
			a.networks = append(a.networks, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		if entry == "" || strings.ContainsAny(entry, "/:@?# ") {
			return nil, fmt.Errorf("%q is neither a host nor a network", entry)
		}
		a.hosts = append(a.hosts, entry)
	}
	return a, nil
}

// Check tells whether text is an address that may be posted to, as far as that can be said without asking for the host's
// addresses. Its errors wrap ErrForbidden, or say what is wrong with the address.
func (a *Allow) Check(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("not an http or https address")
	}
	if a == nil || len(a.hosts)+len(a.networks) == 0 {
		return ErrForbidden
	}
	host := strings.ToLower(u.Hostname())
	if a.named(host) {
		return nil
	}
	if address, err := netip.ParseAddr(host); err == nil {
		if !a.reachable(address) {
			return ErrForbidden
		}
		return nil
	}
	if len(a.networks) == 0 {
		return ErrForbidden
	}
	return nil // by its addresses, when it is dialled
}

func (a *Allow) named(host string) bool { return slices.Contains(a.hosts, strings.ToLower(host)) }

func (a *Allow) reachable(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(a.networks, func(n netip.Prefix) bool { return n.Contains(address) })
}
