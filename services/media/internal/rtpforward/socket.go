package rtpforward

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	maxQueued      = 512     // packets or messages of a socket that wait to be sent
	maxQueuedBytes = 1 << 20 // of messages
	maxDatagram    = 65507   // bytes
	maxTag         = 10      // bytes of authentication
)

type buffer [packet.MaxSize + 100]byte

// datagram is what waits: a packet in a buffer of the outlet's, or a message.
type datagram struct {
	to     *Port
	packet *buffer
	size   int // of the packet
	data   []byte
	header bool // data is a message behind an RTP header
}

// Socket is where all that one publisher sends goes out.
type Socket struct {
	outlet  *Outlet
	conn    *net.UDPConn
	queue   chan datagram // closed by Close
	waiting atomic.Int64  // bytes of messages in queue
	log     *slog.Logger
}

// Open makes a socket of both families.
func (o *Outlet) Open(log *slog.Logger) (*Socket, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("forwarding: %w", err)
	}
	s := &Socket{outlet: o, conn: conn, queue: make(chan datagram, maxQueued), log: log}
	o.ended.Go(s.run)
	return s, nil
}

// Close ends the socket once all that waits has been sent, and does not wait for that. No Port of it may be used any more.
func (s *Socket) Close() { close(s.queue) }

func (s *Socket) run() {
	defer func() { _ = s.conn.Close() }()
	scratch := make([]byte, 0, packet.MaxSize+200)
	for {
		select {
		case d, ok := <-s.queue:
			if !ok {
				return
			}
			if err := s.send(&d, scratch); err != nil {
				s.outlet.dropped.Add(1)
			} else {
				s.outlet.sent.Add(1)
			}
			s.release(&d)
		case <-s.outlet.ending:
			return
		}
	}
}

func (s *Socket) send(d *datagram, scratch []byte) error {
	b := d.data
	if d.packet != nil {
		b = d.packet[:d.size]
	}
	if d.to.srtp != nil && (d.packet != nil || d.header) {
		var err error
		if b, err = d.to.encrypt(scratch, b); err != nil {
			return err
		}
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := s.conn.WriteToUDPAddrPort(b, d.to.to)
	return err
}

func (s *Socket) release(d *datagram) {
	if d.packet != nil {
		s.outlet.pool.Put(d.packet)
	}
	s.waiting.Add(-int64(len(d.data)))
}

// Port is one destination. Its methods are for one goroutine, and never wait. It is a forward.Sender.
type Port struct {
	socket *Socket
	to     netip.AddrPort
	srtp   *srtp.Context // nil for plain RTP
	next   *buffer       // for the next packet

	key    [16]byte
	keeper string              // of what it resumes; else empty
	mu     sync.Mutex          // guards what follows
	ended  bool                // by Close
	claims map[uint32]*numbers // by SSRC
}

// Crypto is how packets are encrypted: AES-CM with a key and a salt, 30 bytes, and HMAC-SHA1 of so many bits (RFC 3711).
// The zero value is not at all.
type Crypto struct {
	Suite uint32 // 32 or 80
	Key   []byte
}

// Port returns a destination for streams, of which the SSRCs are given that are known already. BadElement if c cannot be
// gone by, or its key not be used again.
func (s *Socket) Port(to netip.AddrPort, c Crypto, ssrcs ...uint32) (*Port, error) {
	return s.Resume(to, c, "", ssrcs...)
}

// Resume is Port for a destination that goes on with streams which it had under the same key, as the keeper knows that was
// named before they began. BadElement also if the keeper is another by now.
func (s *Socket) Resume(to netip.AddrPort, c Crypto, keeper string, ssrcs ...uint32) (*Port, error) {
	p := &Port{socket: s, to: to, next: s.outlet.pool.Get().(*buffer), keeper: keeper, claims: map[uint32]*numbers{}}
	var err error
	if p.srtp, err = c.Context(); err != nil {
		return nil, err
	}
	if p.srtp == nil {
		return p, nil
	}
	p.key = keyOf(&c)
	if err := p.Claim(ssrcs...); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Claim makes sure that streams can be encrypted, before they begin. BadElement if the key cannot be used with one.
func (p *Port) Claim(ssrcs ...uint32) error {
	if p.srtp == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ssrc := range ssrcs {
		if _, err := p.numbers(ssrc); err != nil {
			return err
		}
	}
	return nil
}

// numbers are those of one SSRC. p.mu is held.
func (p *Port) numbers(ssrc uint32) (*numbers, error) {
	if p.ended { // another destination may have them by now
		return nil, errEnded
	}
	if n := p.claims[ssrc]; n != nil {
		return n, nil
	}
	if len(p.claims) >= maxSources {
		return nil, errEnded
	}
	n, err := p.socket.outlet.indexes.claim(stream{p.key, ssrc}, p.to, p.keeper)
	if err != nil {
		return nil, err
	}
	p.claims[ssrc] = n
	return n, nil
}

// Close ends the destination: what still waits for it goes out in the clear only, and what it has used of its key is not
// used again.
func (p *Port) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, n := range p.claims {
		n.end()
	}
}

var errEnded = errors.New("destination has ended, or has had too many sources")

// encrypt makes b, a packet that may be changed, an SRTP packet in scratch, with a number that its key has not been used for.
func (p *Port) encrypt(scratch, b []byte) ([]byte, error) {
	ssrc := binary.BigEndian.Uint32(b[8:])
	index, err := p.number(ssrc, binary.BigEndian.Uint16(b[2:]))
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint16(b[2:], uint16(index))
	p.srtp.SetROC(ssrc, uint32(index>>16))
	return p.srtp.EncryptRTP(scratch, b, nil)
}

func (p *Port) number(ssrc uint32, seq uint16) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.numbers(ssrc)
	if err != nil {
		return 0, err
	}
	index, ok := n.number(seq)
	if !ok {
		return 0, errEnded
	}
	return index, nil
}

// Context is what encrypts or decrypts so; nil for the zero value. BadElement if c cannot be gone by.
func (c *Crypto) Context(options ...srtp.ContextOption) (*srtp.Context, error) {
	profile := srtp.ProtectionProfileAes128CmHmacSha1_80
	switch {
	case c.Suite == 0:
		return nil, nil
	case c.Suite != 32 && c.Suite != 80 || len(c.Key) != 30:
		return nil, fault.Newf(fault.BadElement, "Invalid SRTP suite or key")
	case c.Suite == 32:
		profile = srtp.ProtectionProfileAes128CmHmacSha1_32
	}
	context, err := srtp.CreateContext(c.Key[:16], c.Key[16:], profile, options...)
	if err != nil {
		return nil, fault.New(fault.BadElement, err)
	}
	return context, nil
}

// Buffer is of forward.Sender.
func (p *Port) Buffer() []byte { return p.next[:0] }

// SendRTP is of forward.Sender.
func (p *Port) SendRTP(header, payload []byte) {
	size := len(append(header, payload...))
	select {
	case p.socket.queue <- datagram{to: p, packet: p.next, size: size}:
		p.next = p.socket.outlet.pool.Get().(*buffer)
	default:
		p.socket.outlet.dropped.Add(1)
	}
}

// NextTransportSeq is of forward.Sender; what is forwarded has none.
func (p *Port) NextTransportSeq(time.Duration) uint16 { return 0 }

// Message sends a data channel's message, which is copied, as a datagram.
func (p *Port) Message(b []byte) { p.enqueue(datagram{to: p, data: slices.Clone(b)}, maxDatagram) }

// MessageRTP sends one behind an RTP header.
func (p *Port) MessageRTP(h *packet.Header, b []byte) {
	whole := packet.Append(nil, h, &packet.ExtensionIDs{}, &packet.Extensions{}, b)
	p.enqueue(datagram{to: p, data: whole, header: true}, maxDatagram-maxTag)
}

func (p *Port) enqueue(d datagram, most int) {
	s := p.socket
	if size := int64(len(d.data)); len(d.data) <= most && s.waiting.Load()+size <= maxQueuedBytes {
		select {
		case s.queue <- d:
			s.waiting.Add(size)
			return
		default:
		}
	}
	s.outlet.dropped.Add(1)
}
