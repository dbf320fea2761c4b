package endpoint

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/tools/internal/dtlssrtp"
)

const (
	maxDatagram = 1 << 12 // bytes, that are read of one
	maxNotes    = 8
	maxEarly    = 64      // packets that are kept until there are keys for them
	socketBytes = 1 << 20 // of the kernel's buffer
)

// Seen is what an endpoint has seen of its media.
type Seen struct {
	Flows           int           // streams that came
	Sound, Pictures time.Duration // longest time in which one of these streams brought nothing
	Waiting         time.Duration // since that of all streams came which has been silent for longest
	Reused          int           // packets under an SRTP or SRTCP index that another packet had had
	Repeated        int           // datagrams that came twice
	Foreign         int           // packets that were not authentic
	Notes           []string      // of such packets, the first ones
	Nodes           int           // times that another candidate was selected
}

// Certificate is an identity, which endpoints may share.
type Certificate struct {
	tls         tls.Certificate
	fingerprint string
}

// NewCertificate makes one.
func NewCertificate() (*Certificate, error) {
	c, fingerprint, err := dtlssrtp.NewCertificate()
	return &Certificate{c, fingerprint}, err
}

// transport is ICE, DTLS and SRTP over one UDP socket.
type transport struct {
	certificate *Certificate
	local       credentials
	socket      *net.UDPConn
	wire        *dtlssrtp.Wire
	end         context.CancelFunc
	running     sync.WaitGroup
	up          chan struct{} // closed when there are keys
	feedback    func([]rtcp.Packet)

	mu    sync.Mutex // guards what follows
	ice   *connectivity
	keys  *dtlssrtp.Keys
	kinds [128]Kind
	early [][]byte
	flows map[uint32]*flow
	rtcp  map[uint32]*indexes // by the SSRC that sends it
	seen  Seen                // counters only
}

// newTransport opens a socket. feedback, which may be nil, gets what the server reports.
func newTransport(certificate *Certificate, feedback func([]rtcp.Packet)) (*transport, error) {
	socket, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	_ = socket.SetReadBuffer(socketBytes) // less will do
	t := &transport{
		certificate: certificate, local: newCredentials(), socket: socket, up: make(chan struct{}), feedback: feedback,
		flows: map[uint32]*flow{}, rtcp: map[uint32]*indexes{},
	}
	t.wire = dtlssrtp.NewWire(t.sendSelected)
	return t, nil
}

// connect goes on with what the server's SDP says. It returns at once; ctx bounds the handshake.
func (t *transport) connect(ctx context.Context, r *remote) error {
	t.mu.Lock()
	t.ice = newConnectivity(t.local, r.credentials, t.sendTo)
	t.kinds = r.kinds
	for _, c := range r.candidates {
		_ = t.ice.add(c) // those of TCP are none
	}
	none := len(t.ice.candidates) == 0
	t.mu.Unlock()
	if none {
		return fmt.Errorf("%w: no candidates of UDP over IPv4", errBadSDP)
	}
	checking, end := context.WithCancel(context.Background())
	t.end = end
	t.running.Go(func() { t.tick(checking) })
	t.running.Go(t.read)
	t.running.Go(func() { t.secure(ctx, r.fingerprint) })
	return nil
}

// Trickle takes a candidate that the server names later.
func (t *transport) Trickle(value string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ice == nil {
		return errors.New("a candidate came before any description")
	}
	return t.ice.add(value)
}

func (t *transport) close() {
	if t.end != nil {
		t.end()
	}
	_ = t.wire.Close()
	_ = t.socket.Close()
	t.running.Wait()
}

func (t *transport) tick(ctx context.Context) {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			t.mu.Lock()
			t.ice.tick(now)
			t.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// secure shakes hands as soon as there is a path, and then reads on, so that the connection is kept in order.
func (t *transport) secure(ctx context.Context, fingerprint string) {
	for ready := false; !ready; {
		t.mu.Lock()
		ready = t.ice.selected.IsValid()
		t.mu.Unlock()
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
	conn, keys, err := dtlssrtp.ShakeHands(ctx, t.wire, t.certificate.tls, fingerprint)
	if err != nil {
		return // who waits for up sees that it does not come
	}
	t.mu.Lock()
	t.keys = keys
	for _, b := range t.early {
		t.receive(b, netip.AddrPort{}, time.Now())
	}
	t.early = nil
	t.mu.Unlock()
	close(t.up)
	for b := make([]byte, maxDatagram); ; {
		if _, err := conn.Read(b); err != nil {
			return
		}
	}
}

func (t *transport) read() {
	for b := make([]byte, maxDatagram); ; {
		n, from, err := t.socket.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n < 2 { // an ICMP error of something sent earlier
			continue
		}
		now, d := time.Now(), b[:n]
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		switch {
		case d[0] < 4:
			t.mu.Lock()
			if t.ice.receive(d, from, now) {
				t.seen.Nodes++
			}
			t.mu.Unlock()
		case d[0] >= 20 && d[0] < 64:
			t.wire.Receive(d)
		case d[0]&0xc0 == 0x80:
			t.mu.Lock()
			if t.keys != nil {
				t.receive(d, from, now)
			} else if len(t.early) < maxEarly {
				t.early = append(t.early, append([]byte(nil), d...))
			}
			t.mu.Unlock()
		}
	}
}

// receive takes SRTP and SRTCP. The caller holds mu.
func (t *transport) receive(b []byte, from netip.AddrPort, now time.Time) {
	if b[1] >= 192 && b[1] < 224 { // RFC 5761, section 4
		t.receiveRTCP(b, from, now)
		return
	}
	pt, seq, ssrc, ok := header(b)
	if !ok {
		t.seen.Foreign++
		return
	}
	if _, err := t.keys.Inbound.DecryptRTP(nil, b, nil); err != nil {
		t.seen.Foreign++
		return
	}
	f := t.flows[ssrc]
	if f == nil {
		f = &flow{kind: t.kinds[pt]}
		t.flows[ssrc] = f
	}
	if t.count(&f.index, f.index.extend(seq), ssrc, b, from, now) {
		f.came(now)
	}
}

func (t *transport) receiveRTCP(b []byte, from netip.AddrPort, now time.Time) {
	plain, err := t.keys.Inbound.DecryptRTCP(nil, b, nil)
	if err != nil || len(b) < 12 {
		t.seen.Foreign++
		return
	}
	ssrc := binary.BigEndian.Uint32(b[4:])
	x := t.rtcp[ssrc]
	if x == nil {
		x = &indexes{}
		t.rtcp[ssrc] = x
	}
	if !t.count(x, t.rtcpIndex(b), ssrc, b, from, now) || t.feedback == nil {
		return
	}
	if packets, err := rtcp.Unmarshal(plain); err == nil {
		t.feedback(packets)
	}
}

// rtcpIndex reads the SRTCP index, which AES-GCM has at the packet's end and others before a tag of ten bytes (RFC 3711, section
// 3.4; RFC 7714, section 9.2).
func (t *transport) rtcpIndex(b []byte) uint64 {
	at := len(b) - 4
	if t.keys.Profile == "AES-CM-128, HMAC-SHA1-80" {
		at -= 10
	}
	if at < 0 {
		return 0
	}
	return uint64(binary.BigEndian.Uint32(b[at:]) & 0x7fffffff)
}

// count says whether a packet is one that nobody has sent before.
func (t *transport) count(x *indexes, index uint64, ssrc uint32, b []byte, from netip.AddrPort, now time.Time) bool {
	u, before := x.take(index, b, from, now)
	switch u {
	case fresh:
		return true
	case repeated:
		t.seen.Repeated++
	case reused:
		t.seen.Reused++
	}
	if len(t.seen.Notes) < maxNotes {
		t.seen.Notes = append(t.seen.Notes, fmt.Sprintf("type %d, SSRC %x, index %d: from %v, and %v before from %v; the same: %t",
			b[1]&0x7f, ssrc, index, from, now.Sub(before.at).Round(time.Microsecond), before.from, u == repeated))
	}
	return false
}

// see sums up what has come since the last reset.
func (t *transport) see(now time.Time) Seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.seen
	for _, f := range t.flows {
		s.Flows++
		open := now.Sub(f.last)
		s.Waiting = max(s.Waiting, open)
		switch gap := max(f.gap, open); f.kind {
		case Sound:
			s.Sound = max(s.Sound, gap)
		case Pictures:
			s.Pictures = max(s.Pictures, gap)
		}
	}
	return s
}

// reset forgets gaps and counters, but for one gap that lasts still, and no index.
func (t *transport) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = Seen{}
	for _, f := range t.flows {
		f.gap = 0
	}
}

// sendRTP encrypts a packet and sends it to whoever is selected.
func (t *transport) sendRTP(packet []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sealAndSend(packet)
}

// sealAndSend is for who holds mu.
func (t *transport) sealAndSend(packet []byte) {
	if t.keys == nil {
		return
	}
	if sealed, err := t.keys.Outbound.EncryptRTP(nil, packet, nil); err == nil {
		t.sendTo(sealed, t.ice.selected)
	}
}

func (t *transport) sendSelected(b []byte) {
	t.mu.Lock()
	to := t.ice.selected
	t.mu.Unlock()
	t.sendTo(b, to)
}

func (t *transport) sendTo(b []byte, to netip.AddrPort) { _, _ = t.socket.WriteToUDPAddrPort(b, to) } // what is lost is lost
