// Package cluster is Cardea as processes with their neighbours, each in a network namespace of its own, which are restarted when
// they end, as a supervisor would, and which can be stopped, killed and cut off.
package cluster

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cardea-rtc/cardea/tools/internal/lab"
)

// hosts are the namespaces and their addresses: networks of RFC 2544, section C.2.2, are for measuring.
var hosts = map[string]string{
	Clients:  "198.18.2.2",
	"nats-0": "198.18.2.10", "nats-1": "198.18.2.11", "nats-2": "198.18.2.12",
	"redis-0": "198.18.2.20", "redis-1": "198.18.2.21", "redis-2": "198.18.2.22",
	"sentinel-0": "198.18.2.25", "sentinel-1": "198.18.2.26", "sentinel-2": "198.18.2.27",
	"roomstate-0": "198.18.2.30", "roomstate-1": "198.18.2.31",
	"edge-0": "198.18.2.40", "edge-1": "198.18.2.41",
	"media-0": "198.18.2.50", "media-1": "198.18.2.51", "media-2": "198.18.2.52",
}

// Clients is the name of the namespace that clients are in.
const Clients = "clients"

// Connect makes all namespaces, on one bridge, and returns that for clients.
func Connect(l *lab.Lab) (*lab.Namespace, error) {
	bridge, err := l.Bridge("bridge")
	if err != nil {
		return nil, err
	}
	var clients *lab.Namespace
	for name, address := range hosts {
		n, err := l.Namespace(name)
		if err != nil {
			return nil, err
		}
		if err := bridge.Join(n, netip.PrefixFrom(netip.MustParseAddr(address), 24)); err != nil {
			return nil, err
		}
		if name == Clients {
			clients = n
		}
	}
	return clients, nil
}

// Network is what Connect has made, seen from inside it.
type Network struct{ prefix string }

// Inside is for a process in the namespace for clients, of that name.
func Inside(name string) (Network, error) {
	prefix, ok := strings.CutSuffix(name, Clients)
	if !ok {
		return Network{}, fmt.Errorf("%q is no namespace for clients", name)
	}
	return Network{prefix}, nil
}

func (n Network) host(name string) *lab.Namespace { return &lab.Namespace{Name: n.prefix + name} }

// Address is that of a host.
func Address(host string) netip.Addr { return netip.MustParseAddr(hosts[host]) }

// Part has two hosts hear nothing of each other any more.
func (n Network) Part(a, b string) error {
	return errors.Join(n.host(a).Drop(Address(b)), n.host(b).Drop(Address(a)))
}

// Isolate cuts a host off from all others.
func (n Network) Isolate(host string) error {
	var others []netip.Addr
	var all []error
	for other := range hosts {
		if other != host {
			others = append(others, Address(other))
		}
	}
	all = append(all, n.host(host).Drop(others...))
	for other := range hosts {
		if other != host {
			all = append(all, n.host(other).Drop(Address(host)))
		}
	}
	return errors.Join(all...)
}

// Mend ends all that Part and Isolate did.
func (n Network) Mend() error {
	var all []error
	for host := range hosts {
		all = append(all, n.host(host).Mend())
	}
	return errors.Join(all...)
}
