package transport

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"
)

// lossyConn loses every second datagram, each way, until so many are lost.
type lossyConn struct {
	*net.UDPConn
	to net.Addr

	mu      sync.Mutex
	in, out int
}

const lossesEachWay = 4

func loses(n *int) bool {
	*n++
	return *n%2 == 1 && *n < 2*lossesEachWay
}

func (c *lossyConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, _, err := c.UDPConn.ReadFrom(b)
		c.mu.Lock()
		lost := err == nil && loses(&c.in)
		c.mu.Unlock()
		if !lost {
			return n, c.to, err
		}
	}
}

func (c *lossyConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	c.mu.Lock()
	lost := loses(&c.out)
	c.mu.Unlock()
	if lost {
		return len(b), nil
	}
	return c.UDPConn.WriteTo(b, c.to)
}

// heal ends the losses: a goodbye is said once.
func (c *lossyConn) heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in, c.out = 2*lossesEachWay, 2*lossesEachWay
}

// witness is a Handler that tells the test's goroutine.
type witness struct {
	listener
	up     chan struct{}
	packet chan []byte
	gone   chan string
}

func (h *witness) Up(time.Duration)              { close(h.up) }
func (h *witness) RTP(b []byte, _ time.Duration) { h.packet <- append([]byte{}, b...) }
func (h *witness) Closed(reason string)          { h.gone <- reason }

func TestHandshakeSurvivesLoss(t *testing.T) {
	conn, _ := far(t)
	connect(t, runningGroup(t, Config{Workers: 1}).workers[0], conn)
}

func TestEndpointWhoseDatagramsArriveAtAnotherWorker(t *testing.T) {
	g := runningGroup(t, Config{Workers: 2})
	conn, _ := far(t)
	if _, err := conn.WriteTo(make([]byte, 8), g.address()); err != nil {
		t.Fatal(err)
	}
	in := make([]uint64, 2)
	for in[0]+in[1] == 0 {
		for i, w := range g.workers {
			if err := w.Do(t.Context(), func(time.Duration) { in[i] = w.inbound.PacketsIn }); err != nil {
				t.Fatal(err)
			}
		}
	}
	owner, arrival := g.workers[0], g.workers[1]
	if in[0] != 0 {
		owner, arrival = arrival, owner
	}
	connect(t, owner, conn)
	if arrival.handedOver(t) == 0 {
		t.Error("nothing was handed over")
	}
}

// address is where endpoints find the group.
func (g *Group) address() net.Addr {
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), g.Port()))
}

// connect has an endpoint on conn meet a peer of w: check, handshake with losses, media, goodbye.
func connect(t *testing.T, w *Worker, conn *net.UDPConn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	cert, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	h := &witness{up: make(chan struct{}), packet: make(chan []byte, 1), gone: make(chan string, 1)}
	var credentials Credentials
	if err := w.Do(ctx, func(now time.Duration) {
		p := w.NewPeer(h, slog.New(slog.DiscardHandler))
		credentials = p.Credentials()
		p.Start(Remote{Fingerprint: cert.fingerprint}, now)
	}); err != nil {
		t.Fatal(err)
	}
	to := w.group.address()
	if _, err := conn.WriteTo(check(t, credentials, useCandidate), to); err != nil {
		t.Fatal(err)
	}
	if _, ok := answerTo(t, conn); !ok {
		t.Fatal("no answer to a check")
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	lossy := &lossyConn{UDPConn: conn, to: to}
	client, err := dtls.ClientWithOptions(lossy, to,
		dtls.WithCertificates(cert.tls), dtls.WithInsecureSkipVerify(true), dtls.WithFlightInterval(100*time.Millisecond),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_128_GCM))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.HandshakeContext(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case <-h.up:
	case <-ctx.Done():
		t.Fatal("never up")
	}
	k, _, err := exportKeys(client, true)
	if err != nil {
		t.Fatal(err)
	}
	if k.profile != srtp.ProtectionProfileAeadAes128Gcm {
		t.Errorf("profile %v, though GCM was on offer", k.profile)
	}
	media, err := srtp.CreateContext(k.localKey, k.localSalt, k.profile)
	if err != nil {
		t.Fatal(err)
	}
	packet, err := media.EncryptRTP(nil, plainPacket(1, 100), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteTo(packet, to); err != nil {
		t.Fatal(err)
	}
	select {
	case b := <-h.packet:
		if string(b) != string(plainPacket(1, 100)) {
			t.Error("the packet is another")
		}
	case <-ctx.Done():
		t.Fatal("no packet")
	}
	lossy.heal()
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case reason := <-h.gone:
		if reason != reasonDTLSAlert {
			t.Errorf("gone for %q", reason)
		}
	case <-ctx.Done():
		t.Fatal("not gone")
	}
}

func TestPeersThatFollowEachOtherHaveOtherFingerprints(t *testing.T) {
	w := idleWorker(t)
	var last string
	for generation := range uint32(2 * certificates) {
		p := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
		p.UseCertificate(generation)
		if p.Fingerprint() == last {
			t.Errorf("generation %d has the fingerprint of the one before", generation)
		}
		last = p.Fingerprint()
	}
}
