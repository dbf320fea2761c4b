package rtpforward

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
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
)

type buffer [packet.MaxSize + 100]byte

// datagram is what waits: a packet in a buffer of the outlet's, or a message.
type datagram struct {
	to     *Port
	packet *buffer
	size   int // of the packet
	data   []byte
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
	if d.to.srtp != nil && d.packet != nil {
		var err error
		if b, err = d.to.srtp.EncryptRTP(scratch, b, nil); err != nil {
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
}

// Crypto is how packets are encrypted: AES-CM with a key and a salt, 30 bytes, and HMAC-SHA1 of so many bits (RFC 3711).
// The zero value is not at all.
type Crypto struct {
	Suite uint32 // 32 or 80
	Key   []byte
}

// Port returns a destination. BadElement if c cannot be gone by.
func (s *Socket) Port(to netip.AddrPort, c Crypto) (*Port, error) {
	p := &Port{socket: s, to: to, next: s.outlet.pool.Get().(*buffer)}
	if c.Suite == 0 {
		return p, nil
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	profile := srtp.ProtectionProfileAes128CmHmacSha1_80
	if c.Suite == 32 {
		profile = srtp.ProtectionProfileAes128CmHmacSha1_32
	}
	var err error
	if p.srtp, err = srtp.CreateContext(c.Key[:16], c.Key[16:], profile); err != nil {
		return nil, fault.New(fault.BadElement, err)
	}
	return p, nil
}

func (c *Crypto) check() error {
	if c.Suite != 32 && c.Suite != 80 || len(c.Key) != 30 {
		return fault.Newf(fault.BadElement, "Invalid SRTP suite or key")
	}
	return nil
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
func (p *Port) Message(b []byte) {
	s := p.socket
	if len(b) > maxDatagram || s.waiting.Load()+int64(len(b)) > maxQueuedBytes {
		s.outlet.dropped.Add(1)
		return
	}
	select {
	case s.queue <- datagram{to: p, data: slices.Clone(b)}:
		s.waiting.Add(int64(len(b)))
	default:
		s.outlet.dropped.Add(1)
	}
}
