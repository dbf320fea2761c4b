package transport

import (
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// runningTCP is a worker with ICE-TCP that runs until the test ends.
func runningTCP(t *testing.T) *Worker {
	t.Helper()
	return runningGroup(t, Config{TCP: true, Workers: 1}).workers[0]
}

func dialTCP(t *testing.T, w *Worker) net.Conn {
	t.Helper()
	conn, err := net.DialTCP("tcp4", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(w.group.Port())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func framed(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

// ends reports whether the worker closes conn within the time given.
func ends(t *testing.T, conn net.Conn, within time.Duration) bool {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, conn)
	timeout, ok := err.(net.Error)
	return !ok || !timeout.Timeout()
}

func TestTCPConnectionHasToProveAPeer(t *testing.T) {
	w := runningTCP(t)
	var credentials Credentials
	if err := w.Do(t.Context(), func(time.Duration) {
		credentials = w.NewPeer(&listener{}, slog.New(slog.DiscardHandler)).Credentials()
	}); err != nil {
		t.Fatal(err)
	}
	idle, proved, empty := dialTCP(t, w), dialTCP(t, w), dialTCP(t, w)
	if _, err := proved.Write(framed(check(t, credentials, useCandidate))); err != nil {
		t.Fatal(err)
	}
	if _, err := empty.Write(framed(nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := idle.Write(framed(plainPacket(1, 100))); err != nil {
		t.Fatal(err)
	}
	if !ends(t, empty, tcpProof/2) {
		t.Error("an empty frame is taken")
	}
	if !ends(t, idle, tcpProof+time.Second) {
		t.Error("a connection of nobody's stays")
	}
	if ends(t, proved, time.Second) {
		t.Error("a peer's connection ends")
	}
}

func TestTCPConnectionsOfOneSourceAreLimited(t *testing.T) {
	w := runningTCP(t)
	for range maxTCPPerSource {
		dialTCP(t, w)
	}
	if !ends(t, dialTCP(t, w), tcpProof/2) {
		t.Error("one too many is accepted")
	}
}

func TestTCPSourcesAreHostsOrNetworks(t *testing.T) {
	for from, want := range map[string]string{
		"192.0.2.1:1": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::", "[fe80::1%eth0]:1": "fe80::",
	} {
		c := &tcpConn{from: netip.MustParseAddrPort(from)}
		if got := c.source().String(); got != want {
			t.Errorf("%s is of %s", from, got)
		}
	}
}

func TestSendingOverTCPAllocatesNothing(t *testing.T) {
	c := &tcpConn{frames: make(frameList, 1), queue: make(chan []byte, 1)}
	b := plainPacket(1, maxDatagram)
	if allocs := testing.AllocsPerRun(1000, func() {
		if !c.send(b) {
			t.Error("refused")
		}
		frame := <-c.queue
		if len(frame) != 2+len(b) {
			t.Errorf("%d bytes", len(frame))
		}
		c.frames.put(frame)
	}); allocs > 0 && !raceDetector {
		t.Errorf("%v allocations a packet", allocs)
	}
}

func TestTCPConnectionGoesToTheWorkerOfItsPeer(t *testing.T) {
	g := runningGroup(t, Config{TCP: true, Workers: 2})
	owner := g.workers[1]
	received := make(chan struct{}, 1)
	h := &listener{rtp: func([]byte, time.Duration) { received <- struct{}{} }}
	k := testKeys(t, srtp.ProtectionProfileAeadAes128Gcm)
	var p *Peer
	if err := owner.Do(t.Context(), func(time.Duration) {
		p = owner.NewPeer(h, slog.New(slog.DiscardHandler))
		if err := p.useKeys(k); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	conn := dialTCP(t, g.workers[0])
	if _, err := conn.Write(framed(check(t, p.Credentials(), useCandidate))); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 20)); err != nil { // an answer
		t.Fatal(err)
	}
	endpoint, err := srtp.CreateContext(k.remoteKey, k.remoteSalt, k.profile)
	if err != nil {
		t.Fatal(err)
	}
	media, err := endpoint.EncryptRTP(nil, plainPacket(1, 100), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(framed(media)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-received:
	case <-time.After(10 * time.Second):
		t.Fatal("no packet")
	}
	_ = conn.Close()
	for paths := 1; paths > 0; {
		if err := owner.Do(t.Context(), func(time.Duration) { paths = len(p.paths) }); err != nil {
			t.Fatal(err)
		}
	}
	if n := g.workers[0].handedOver(t); n != 1 {
		t.Errorf("%d frames were handed over", n)
	}
}

// handedOver is how many datagrams a running worker has handed over.
func (w *Worker) handedOver(t *testing.T) (n uint64) {
	t.Helper()
	if err := w.Do(t.Context(), func(time.Duration) { n = w.inbound.HandedOver }); err != nil {
		t.Fatal(err)
	}
	return n
}
