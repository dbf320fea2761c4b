package endpoint

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

const (
	// consentInterval is how often a path in use is checked; browsers' is about the same.
	consentInterval = 2500 * time.Millisecond
	// priority is that of a peer-reflexive candidate, in checks (RFC 8445, section 7.1.1).
	priority = 1853824767
)

// credentials are a ufrag and a password (RFC 8445, section 5.3).
type credentials struct{ ufrag, password string }

func newCredentials() credentials { return credentials{rand.Text()[:8], rand.Text()} }

// connectivity is as much of ICE as a subscriber with one address needs. It looks each tick, which is about as often as
// browsers do: no time is lost that would be counted as the server's.
type connectivity struct {
	local, remote credentials
	controlling   bool // the server is lite
	tie           uint64
	candidates    []netip.AddrPort
	send          func(b []byte, to netip.AddrPort)

	selected netip.AddrPort // where media comes from, once that is known
	found    chan struct{}  // closed then
	checked  time.Duration  // when it was last checked
}

func newConnectivity(local credentials, o *offer, send func([]byte, netip.AddrPort)) *connectivity {
	var tie [8]byte
	_, _ = rand.Read(tie[:]) // never fails
	return &connectivity{
		local: local, remote: credentials{o.ufrag, o.password}, controlling: o.lite, tie: binary.BigEndian.Uint64(tie[:]),
		candidates: o.candidates, send: send, found: make(chan struct{}),
	}
}

// tick checks what is to be checked.
func (c *connectivity) tick(now time.Duration) {
	if !c.selected.IsValid() {
		for _, to := range c.candidates {
			c.check(to)
		}
		return
	}
	if now-c.checked >= consentInterval {
		c.checked = now
		c.check(c.selected)
	}
}

func (c *connectivity) check(to netip.AddrPort) {
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.remote.ufrag + ":" + c.local.ufrag)}
	if c.controlling {
		setters = append(setters, ice.AttrControlling(c.tie), ice.UseCandidate())
	} else {
		setters = append(setters, ice.AttrControlled(c.tie))
	}
	setters = append(setters, ice.PriorityAttr(priority), stun.NewShortTermIntegrity(c.remote.password), stun.Fingerprint)
	if m, err := stun.Build(setters...); err == nil {
		c.send(m.Raw, to)
	}
}

// receive takes a STUN message. If we control, the first address that answers is selected, else that which the server
// nominates.
func (c *connectivity) receive(b []byte, from netip.AddrPort) {
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || m.Type.Method != stun.MethodBinding {
		return
	}
	switch m.Type.Class {
	case stun.ClassRequest:
		key := stun.NewShortTermIntegrity(c.local.password)
		if key.Check(m) != nil {
			return
		}
		response, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}, key, stun.Fingerprint)
		if err == nil {
			c.send(response.Raw, from)
		}
		if !c.controlling && ice.UseCandidate().IsSet(m) {
			c.selectPath(from)
		}
	case stun.ClassSuccessResponse:
		if c.controlling && stun.NewShortTermIntegrity(c.remote.password).Check(m) == nil {
			c.selectPath(from)
		}
	}
}

func (c *connectivity) selectPath(to netip.AddrPort) {
	if !c.selected.IsValid() {
		c.selected = to
		close(c.found)
	}
}
