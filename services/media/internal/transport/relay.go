package transport

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Nodes relay feeds to each other from port to port. A datagram between them is
//
//	| 8 | 0 0 0 | relay, 32 bits | number, 64 bits | what is encrypted, and its tag |
//
// in network order. The first byte is of a range that none of the protocols on the port has (RFC 7983, section 7, and RFC
// 9443). The relay is a number that the receiving node has drawn. Datagrams of a relay are numbered from 1 on, all of them:
// the number is the nonce, masked by a salt, and tells repeats and losses.
const (
	relayFirstByte = 8
	relayHeader    = 16

	// maxRelayed is the longest datagram between nodes, in bytes: a packet of maxDatagram, and what is said of it. One
	// that is longer than the path takes goes in fragments.
	maxRelayed = maxOutbound
	// MaxRelayed is how much may be sent at once by a RelaySender, in bytes.
	MaxRelayed = maxRelayed - relayHeader - gcmTag

	relayKeyBytes = 16
)

// RelayKey is a key of AES-128 and a salt, of one direction of one relay. It must not be used for anything else.
type RelayKey [relayKeyBytes + gcmNonce]byte

// NewRelayKey draws one.
func NewRelayKey() (k RelayKey) {
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// relayCipher is a key that is in use, by one goroutine.
type relayCipher struct {
	aead  cipher.AEAD
	salt  [gcmNonce]byte
	nonce [gcmNonce]byte // scratch
}

func newRelayCipher(k RelayKey) (*relayCipher, error) {
	block, err := aes.NewCipher(k[:relayKeyBytes])
	if err != nil {
		return nil, fmt.Errorf("relay key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("relay key: %w", err)
	}
	c := &relayCipher{aead: aead}
	copy(c.salt[:], k[relayKeyBytes:])
	return c, nil
}

func (c *relayCipher) iv(number uint64) []byte {
	c.nonce = c.salt
	tail := c.nonce[gcmNonce-8:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^number)
	return c.nonce[:]
}

// RelaySender sends what goes to another node by one relay. It belongs to the worker's goroutine.
type RelaySender struct {
	w      *Worker
	to     netip.AddrPort
	relay  uint32
	cipher *relayCipher
	number uint64 // of the last
}

// NewRelaySender returns a sender to another node's port, where that expects relay. key must be a new one: numbers begin
// with 1.
func (w *Worker) NewRelaySender(to netip.AddrPort, relay uint32, key RelayKey) (*RelaySender, error) {
	if !to.IsValid() || !to.Addr().Is4() && !w.socket.dualStack() {
		return nil, fmt.Errorf("relay to %v: no such address can be sent to", to)
	}
	c, err := newRelayCipher(key)
	if err != nil {
		return nil, err
	}
	return &RelaySender{w: w, to: to, relay: relay, cipher: c}, nil
}

// Buffer returns what is to be sent, still empty, with room for MaxRelayed bytes behind it. It is valid until the next call
// on any sender or peer of the worker.
func (s *RelaySender) Buffer() []byte { return s.w.socket.room()[:relayHeader] }

// Send encrypts what was appended to Buffer, queues it until the end of the burst, and returns its number; 0 if it is too
// long, and was dropped.
func (s *RelaySender) Send(b []byte) (number uint64) {
	if len(b)+gcmTag > maxRelayed {
		s.w.drop(DropRelayTooLarge)
		return 0
	}
	s.number++
	header := b[:relayHeader]
	binary.BigEndian.PutUint32(header, relayFirstByte<<24)
	binary.BigEndian.PutUint32(header[4:], s.relay)
	binary.BigEndian.PutUint64(header[8:], s.number)
	sealed := s.cipher.aead.Seal(header, s.cipher.iv(s.number), b[relayHeader:], header)
	s.w.inbound.RelayedOut++
	s.w.inbound.RelayedBytesOut += uint64(len(sealed))
	s.w.socket.commit(nil, s.to, len(sealed))
	return s.number
}

// Sent is the number of the last datagram, 0 for none.
func (s *RelaySender) Sent() uint64 { return s.number }

// RelayHandler takes what another node sends by one relay, on the worker's goroutine. plain is only lent.
type RelayHandler interface {
	Relayed(number uint64, plain []byte, now time.Duration)
}

// RelayReceiver takes datagrams of one relay, on whatever socket they arrive. It belongs to the worker's goroutine.
type RelayReceiver struct {
	w       *Worker
	relay   uint32
	handler RelayHandler
	cipher  *relayCipher // nil until Use
	window  window
}

// NewRelayReceiver returns a receiver with a number of its own. What comes before Use is dropped.
func (w *Worker) NewRelayReceiver(h RelayHandler) *RelayReceiver {
	r := &RelayReceiver{w: w, handler: h, relay: w.group.known.newRelay()}
	w.relays[r.relay] = r
	for _, via := range w.group.workers {
		if via != w {
			via.Post(func(time.Duration) { via.foreignRelays[r.relay] = w })
		}
	}
	return r
}

// Relay is what datagrams for it are marked with.
func (r *RelayReceiver) Relay() uint32 { return r.relay }

// Use says with which key the other node sends. It is called once.
func (r *RelayReceiver) Use(key RelayKey) (err error) {
	r.cipher, err = newRelayCipher(key)
	return err
}

// Close ends it.
func (r *RelayReceiver) Close() {
	if r.w.relays[r.relay] != r {
		return
	}
	delete(r.w.relays, r.relay)
	r.w.group.known.endRelay(r.relay)
	for _, via := range r.w.group.workers {
		if via != r.w {
			via.Post(func(time.Duration) {
				if via.foreignRelays[r.relay] == r.w {
					delete(via.foreignRelays, r.relay)
				}
			})
		}
	}
}

// receiveRelayed takes a datagram that begins as those between nodes do.
func (w *Worker) receiveRelayed(from path, via *Worker, b []byte, now time.Duration) {
	if len(b) < relayHeader+gcmTag || from.tcp != nil {
		w.drop(DropRelayMalformed)
		return
	}
	relay := binary.BigEndian.Uint32(b[4:])
	r := w.relays[relay]
	if r == nil {
		if owner := w.foreignRelays[relay]; owner != nil && via == w {
			w.handOver(owner, from, b, now)
		} else {
			w.drop(DropRelayUnknown)
		}
		return
	}
	number, plain, why := r.open(b)
	if plain == nil {
		w.drop(why)
		return
	}
	w.inbound.RelayedIn++
	w.inbound.RelayedBytesIn += uint64(len(b))
	r.handler.Relayed(number, plain, now)
}

// open decrypts b in place. plain is nil, and why says why, if it is of no use.
func (r *RelayReceiver) open(b []byte) (number uint64, plain []byte, why Drop) {
	if r.cipher == nil {
		return 0, nil, DropRelayNotReady
	}
	number = binary.BigEndian.Uint64(b[8:])
	if number == 0 {
		return 0, nil, DropRelayMalformed
	}
	if r.window.seen(number) {
		return 0, nil, DropRelayReplayed
	}
	plain, err := r.cipher.aead.Open(b[relayHeader:relayHeader], r.cipher.iv(number), b[relayHeader:], b[:relayHeader])
	if err != nil {
		return 0, nil, DropRelayForged
	}
	r.window.note(number)
	return number, b[relayHeader : relayHeader+len(plain)], 0
}

// DropRelayed counts what came by a relay, authentic, and made no sense.
func (w *Worker) DropRelayed() { w.drop(DropRelayMalformed) }
