package endpoint

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

const (
	tickInterval    = 50 * time.Millisecond   // between checks of candidates that have not answered, as in Chromium
	consentInterval = 2500 * time.Millisecond // of the pair in use (RFC 7675, section 5.1: 4 to 6 s at most)
	ownPriority     = 1853824767              // that of a peer-reflexive candidate, in checks (RFC 8445, section 7.1.1)
	maxCandidates   = 32                      // the oldest give way
)

// credentials are a ufrag and a password (RFC 8445, section 5.3).
type credentials struct{ ufrag, password string }

func newCredentials() credentials { return credentials{rand.Text()[:8], rand.Text()} }

// candidate is an address of the server's, UDP over IPv4.
type candidate struct {
	at       netip.AddrPort
	priority uint32
	answered bool
}

// parseCandidate reads an attribute's value (RFC 8839, section 5.1): foundation, component, transport, priority, address, port.
// Those of TCP are not ok, nor is what makes no sense.
func parseCandidate(value string) (c candidate, ok bool) {
	words := strings.Fields(strings.TrimPrefix(value, "candidate:"))
	if len(words) < 6 || words[1] != "1" || !strings.EqualFold(words[2], "udp") {
		return candidate{}, false
	}
	priority, err := strconv.ParseUint(words[3], 10, 32)
	at, errAt := netip.ParseAddrPort(words[4] + ":" + words[5])
	return candidate{at: at, priority: uint32(priority)}, err == nil && errAt == nil && at.Addr().Is4()
}

// connectivity is ICE as the controlling side of a server that is lite does it: of the candidates that have answered, that of
// the highest priority is selected and nominated, now and whenever another comes. Not safe for concurrent use.
type connectivity struct {
	local, remote credentials
	tie           uint64
	candidates    []candidate
	send          func(b []byte, to netip.AddrPort)

	selected netip.AddrPort // not valid until one has answered
	priority uint32         // its
	checked  time.Time      // when it was, last
}

func newConnectivity(local, remote credentials, send func([]byte, netip.AddrPort)) *connectivity {
	var tie [8]byte
	_, _ = rand.Read(tie[:]) // never fails
	return &connectivity{local: local, remote: remote, tie: binary.BigEndian.Uint64(tie[:]), send: send}
}

// add takes a candidate. One whose address is known gets the higher of both priorities, and has to answer again.
func (c *connectivity) add(value string) error {
	n, ok := parseCandidate(value)
	if !ok {
		return fmt.Errorf("candidate %q is not of UDP over IPv4", value)
	}
	for i := range c.candidates {
		if k := &c.candidates[i]; k.at == n.at {
			if n.priority > k.priority {
				*k = n
			}
			return nil
		}
	}
	if len(c.candidates) == maxCandidates {
		c.candidates = c.candidates[1:]
	}
	c.candidates = append(c.candidates, n)
	return nil
}

// tick checks what is better than what is selected, and that itself now and then.
func (c *connectivity) tick(now time.Time) {
	for _, k := range c.candidates {
		if !k.answered && (!c.selected.IsValid() || k.priority > c.priority) {
			c.check(k.at, false)
		}
	}
	if c.selected.IsValid() && now.Sub(c.checked) >= consentInterval {
		c.checked = now
		c.check(c.selected, true)
	}
}

func (c *connectivity) check(to netip.AddrPort, nominate bool) {
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.remote.ufrag + ":" + c.local.ufrag), ice.AttrControlling(c.tie)}
	if nominate {
		setters = append(setters, ice.UseCandidate())
	}
	setters = append(setters, ice.PriorityAttr(ownPriority), stun.NewShortTermIntegrity(c.remote.password), stun.Fingerprint)
	if m, err := stun.Build(setters...); err == nil {
		c.send(m.Raw, to)
	}
}

// receive takes a STUN message, and says whether another candidate has been selected.
func (c *connectivity) receive(b []byte, from netip.AddrPort, now time.Time) (changed bool) {
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || m.Type != stun.BindingSuccess || stun.NewShortTermIntegrity(c.remote.password).Check(m) != nil {
		return false
	}
	for i := range c.candidates {
		k := &c.candidates[i]
		if k.at != from {
			continue
		}
		k.answered = true
		if c.selected.IsValid() && (k.priority <= c.priority || k.at == c.selected) {
			c.priority = max(c.priority, k.priority)
			return false
		}
		c.selected, c.priority, c.checked = k.at, k.priority, now
		c.check(k.at, true)
		return true
	}
	return false
}
