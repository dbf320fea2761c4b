package rtpforward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
)

// resolveTime is how long a name's address is waited for.
const resolveTime = 3 * time.Second

// Outlet is what sockets have in common.
type Outlet struct {
	allowed []netip.Prefix
	log     *slog.Logger
	ending  chan struct{} // closed by Close
	ended   sync.WaitGroup
	pool    sync.Pool // of *buffer
	indexes indexes   // of SRTP

	sent    atomic.Uint64
	dropped atomic.Uint64
}

// New returns an outlet to the networks allowed; none by default.
func New(allowed []netip.Prefix, log *slog.Logger) *Outlet {
	o := &Outlet{log: log, ending: make(chan struct{})}
	for _, p := range allowed {
		o.allowed = append(o.allowed, p.Masked())
	}
	o.pool.New = func() any { return new(buffer) }
	return o
}

// Close ends all that is sent, and waits for it.
func (o *Outlet) Close() {
	close(o.ending)
	o.ended.Wait()
}

// Keeper names what is known of the use of SRTP keys. As long as the name is the same, nothing of it has been forgotten.
func (o *Outlet) Keeper() string { return o.indexes.keeper() }

// Sent is how many packets and messages have gone out.
func (o *Outlet) Sent() uint64 { return o.sent.Load() }

// Dropped is how many have not, since the network did not take them in time.
func (o *Outlet) Dropped() uint64 { return o.dropped.Load() }

// Resolve returns an address of host, which is one or has one, of the family ipv4 or ipv6 or, if that is empty, of
// either. BadElement if there is none, Unauthorized if it is not allowed.
func (o *Outlet) Resolve(ctx context.Context, host, family string) (netip.Addr, error) {
	address, err := lookUp(ctx, host, family)
	if err != nil {
		return netip.Addr{}, &fault.Error{
			Reason: fault.BadElement, Text: fmt.Sprintf("Could not resolve address (%s)...", host), Cause: err,
		}
	}
	if !o.allows(address) {
		o.log.Warn("forwarding to a network that is not allowed", "host", host, "address", address.String())
		return netip.Addr{}, fault.Newf(fault.Unauthorized, "Forwarding to %s is not allowed", host)
	}
	return address, nil
}

func (o *Outlet) allows(a netip.Addr) bool {
	return slices.ContainsFunc(o.allowed, func(p netip.Prefix) bool { return p.Contains(a) })
}

func lookUp(ctx context.Context, host, family string) (netip.Addr, error) {
	if host == "" {
		return netip.Addr{}, errors.New("no host")
	}
	network := map[string]string{"ipv4": "ip4", "ipv6": "ip6"}[family]
	if network == "" {
		network = "ip"
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	all, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range all {
		a = a.Unmap()
		if family == "" || a.Is4() == (family == "ipv4") {
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%s has no address of that family", host)
}
