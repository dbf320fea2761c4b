package rtpreceive

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cardea-rtc/cardea/proto/fault"
)

// Config says where an inlet listens, and whom it hears.
type Config struct {
	From    []netip.Prefix // networks that are heard; none: nothing is listened to
	Address netip.Addr     // to listen on; not valid for any
	Ports   Ports
	Log     *slog.Logger
}

// Ports is a range, both ends included.
type Ports struct{ First, Last uint16 }

// MarshalText writes what UnmarshalText reads.
func (p Ports) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d-%d", p.First, p.Last), nil }

// UnmarshalText reads "20000-20999", or one port.
func (p *Ports) UnmarshalText(b []byte) error {
	first, last, ok := strings.Cut(string(b), "-")
	if !ok {
		last = first
	}
	lowest, err1 := strconv.ParseUint(first, 10, 16)
	highest, err2 := strconv.ParseUint(last, 10, 16)
	if err := cmp.Or(err1, err2); err != nil {
		return fmt.Errorf("range of ports %q: %w", b, err)
	}
	if lowest == 0 || highest < lowest {
		return fmt.Errorf("range of ports %q is empty", b)
	}
	p.First, p.Last = uint16(lowest), uint16(highest)
	return nil
}

func (p Ports) has(port uint16) bool { return p.First <= port && port <= p.Last }

// Inlet is what ports have in common.
type Inlet struct {
	cfg    Config
	ending chan struct{} // closed by Close
	ended  sync.WaitGroup

	mu   sync.Mutex
	next uint16 // port to try first; so that one that was just closed is not the next one opened

	received atomic.Uint64
	dropped  [drops]atomic.Uint64
}

// Drop is why a datagram was not taken.
type Drop int

// The reasons.
const (
	Stranger  Drop = iota // from a network that is not heard
	Forged                // not encrypted with the key, or again
	Malformed             // not RTP
	Full                  // not taken in time
	drops
)

func (d Drop) String() string { return [...]string{"stranger", "forged", "malformed", "full"}[d] }

// Drops is how many reasons there are.
const Drops = int(drops)

// New returns an inlet.
func New(cfg Config) *Inlet {
	for i, p := range cfg.From {
		cfg.From = slices.Clone(cfg.From)
		cfg.From[i] = p.Masked()
	}
	return &Inlet{cfg: cfg, ending: make(chan struct{}), next: cfg.Ports.First}
}

// Close ends all ports, and waits for it.
func (i *Inlet) Close() {
	close(i.ending)
	i.ended.Wait()
}

// choose returns the address to listen on: of an interface that is named, or by its address, unless the inlet was told another.
func (i *Inlet) choose(iface string) (netip.Addr, error) {
	told := i.cfg.Address
	if iface == "" {
		return told, nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return netip.Addr{}, fault.New(fault.WrongState, err)
	}
	for _, one := range all {
		addresses, err := one.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil || one.Name != iface && prefix.Addr().String() != iface {
				continue
			}
			if !told.IsValid() || told.IsUnspecified() || told == prefix.Addr() {
				return prefix.Addr(), nil
			}
		}
	}
	return netip.Addr{}, fault.New(fault.WrongState, fmt.Errorf("interface %q is not there, or not that for remote publishers", iface))
}

// Received is how many datagrams were taken; Dropped how many were not.
func (i *Inlet) Received() uint64 { return i.received.Load() }

// Dropped is of one reason.
func (i *Inlet) Dropped(why Drop) uint64 { return i.dropped[why].Load() }

func (i *Inlet) hears(a netip.Addr) bool {
	a = a.Unmap()
	return slices.ContainsFunc(i.cfg.From, func(p netip.Prefix) bool { return p.Contains(a) })
}

// errNoPort is TooBusy, which roomstate says in Janus's words.
func errNoPort(err error) error { return fault.New(fault.TooBusy, err) }

var errOff = errors.New("no networks are named that remote publishers may send from")

// each calls open for the ports of the range until it succeeds, first for the one after the last that was tried.
func (i *Inlet) each(open func(port uint16) error) error {
	first, last := i.cfg.Ports.First, i.cfg.Ports.Last
	err := errors.New("no ports")
	for range int(last) - int(first) + 1 {
		if err = open(i.turn()); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no free port from %d to %d: %w", first, last, err)
}

// turn is the port to try next.
func (i *Inlet) turn() uint16 {
	i.mu.Lock()
	defer i.mu.Unlock()
	port := i.next
	if i.next++; i.next > i.cfg.Ports.Last || i.next < i.cfg.Ports.First {
		i.next = i.cfg.Ports.First
	}
	return port
}
