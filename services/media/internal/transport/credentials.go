package transport

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
)

// Credentials are one side's ICE user name fragment and password (RFC 8839, section 5.4).
type Credentials struct{ Ufrag, Pwd string }

// newCredentials makes 130 and 260 random bits: more than RFC 8445, section 5.3, asks for.
func newCredentials() Credentials {
	return Credentials{Ufrag: rand.Text(), Pwd: rand.Text() + rand.Text()}
}

// Type preferences of our candidates (RFC 8445, section 5.1.2). They are low, so that a node that takes a peer over
// can offer a candidate of higher priority.
const (
	preferUDP = 64
	preferTCP = 32
	maxMoves  = 126 - preferUDP // 126 is what RFC 8445 has for the best
)

// Candidates are the values of a=candidate lines, best first.
func (g *Group) Candidates() []string { return g.candidates(0) }

// CandidatesAt are those that the group would have if its port had this number.
func (g *Group) CandidatesAt(port uint16) []string { return g.candidatesAt(port, 0) }

// candidates are better than those of fewer moves.
func (g *Group) candidates(moves uint32) []string { return g.candidatesAt(g.Port(), moves) }

func (g *Group) candidatesAt(port uint16, moves uint32) []string {
	var all []string
	for i, ip := range g.hosts {
		all = append(all, fmt.Sprintf("%d 1 udp %d %s %d typ host", len(all)+1, priority(preferUDP+moves, i), ip, port))
	}
	if g.tcp == nil {
		return all
	}
	for i, ip := range g.hosts {
		all = append(all, fmt.Sprintf("%d 1 tcp %d %s %d typ host tcptype passive", len(all)+1, priority(preferTCP+moves, i), ip, port))
	}
	return all
}

// IPv6 tells whether candidates name an IPv6 address.
func (g *Group) IPv6() bool { return slices.ContainsFunc(g.hosts, netip.Addr.Is6) }

// Host is the address that SDP's c= and o= lines name.
func (g *Group) Host() netip.Addr { return g.hosts[0] }

// priority is the formula of RFC 8445, section 5.1.2.1, for component 1.
func priority(typePreference uint32, index int) uint32 {
	return typePreference<<24 | uint32(65535-index)<<8 | 255
}
