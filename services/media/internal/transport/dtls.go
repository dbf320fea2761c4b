package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v5/packetio"

	"github.com/cardea-rtc/cardea/services/media/internal/fingerprint"
)

const (
	flightInterval  = 300 * time.Millisecond // until a flight is first sent again; doubles each time
	dtlsMTU         = 1200
	maxQueuedBytes  = 256 << 10 // of DTLS records that wait to be read
	maxQueuedPacket = 512
)

// keys are what DTLS agreed on for SRTP (RFC 5764, section 4.2).
type keys struct {
	profile               srtp.ProtectionProfile
	localKey, localSalt   []byte
	remoteKey, remoteSalt []byte
}

// session is the DTLS connection of a peer, with the data channels inside it. The worker feeds it; run has goroutines
// of its own, which reach the worker by its mailbox.
type session struct {
	peer     *Peer
	inbound  *packetio.Buffer
	to       atomic.Pointer[path] // where records go; nil before the first check
	arrived  chan struct{}        // closed when to is set
	silent   atomic.Bool          // nothing is to be said any more
	channels *channels

	fixed *Connection   // what stays the same of it, once it is there; the worker's
	next  atomic.Uint64 // number of the next encrypted record
	bound atomic.Uint64 // the first number that is not to be used
}

func newSession(p *Peer) *session {
	s := &session{peer: p, inbound: packetio.NewBuffer(), arrived: make(chan struct{}), channels: newChannels()}
	s.inbound.SetLimitSize(maxQueuedBytes)
	s.inbound.SetLimitCount(maxQueuedPacket)
	s.bound.Store(unbounded)
	return s
}

// feed, redirect and close are the worker's side.
func (s *session) feed(record []byte) {
	if s.peer.moves > 0 && s.fixed == nil {
		return // the connection was another node's, and has ended there
	}
	if _, err := s.inbound.Write(record, nil); err != nil {
		s.peer.w.drop(DropDTLSQueueFull)
	}
}

func (s *session) redirect(to path) {
	if s.to.Swap(&to) == nil {
		close(s.arrived)
	}
}

func (s *session) close() { _ = s.inbound.Close() }

// run shakes hands as soon as there is somebody to do it with, and serves until the end.
func (s *session) run(ctx context.Context, remote Remote) {
	select {
	case <-s.arrived:
	case <-ctx.Done():
		return
	}
	conn, err := s.handshake(ctx, remote)
	if err != nil {
		if ctx.Err() == nil {
			s.peer.log.Info("handshake failed", "err", err)
			s.post(func(time.Duration) { s.peer.end(handshakeReason(err)) })
		}
		return
	}
	// Close sends close_notify, and says so to whoever reads.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	k, fixed, err := exportKeys(conn, remote.Client)
	if err != nil {
		s.peer.log.Warn("no SRTP keys", "err", err)
		s.post(func(time.Duration) { s.peer.end(reasonDTLSAlert) })
		return
	}
	s.post(func(now time.Duration) {
		s.fixed = fixed
		s.peer.secured(k, now)
	})
	s.serve(ctx, conn, remote.Client)
	s.post(func(time.Duration) { s.peer.end(reasonDTLSAlert) })
}

// resume goes on with a connection that was another node's, and, where overflow is not nil, begins its association anew.
func (s *session) resume(ctx context.Context, state *dtls.State, client bool, overflow <-chan struct{}) {
	select {
	case <-s.arrived:
	case <-ctx.Done():
		return
	}
	wire := &wire{session: s}
	conn, err := dtls.ResumeWithOptions(state, wire, wire.LocalAddr(), dtls.WithMTU(dtlsMTU), dtls.WithLoggerFactory(quiet()))
	if err == nil {
		err = conn.HandshakeContext(ctx) // there is none, but this is where its goroutines begin
	}
	if err != nil {
		s.peer.log.Warn("DTLS connection not gone on with", "err", err)
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	if overflow != nil {
		err := s.channels.restart(ctx, s.records(conn, nil), overflow, s.peer, client)
		if err != nil && ctx.Err() == nil {
			s.peer.log.Info("data channels not gone on with", "err", err)
		}
		_ = conn.SetDeadline(time.Time{})
	}
	s.serve(ctx, conn, client)
	s.post(func(time.Duration) { s.peer.end(reasonDTLSAlert) })
}

func (s *session) records(conn *dtls.Conn, first []byte) *records {
	return &records{Conn: conn, first: first, received: &s.channels.received, sent: &s.channels.sent}
}

func (s *session) post(f func(now time.Duration)) { s.peer.w.Post(f) }

// serve reads records until the connection ends. Most peers have no data channels, so SCTP starts with its first packet.
func (s *session) serve(ctx context.Context, conn *dtls.Conn, client bool) {
	first := make([]byte, maxDatagram)
	for {
		n, err := conn.Read(first)
		switch {
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return
		case err != nil: // a record that made no sense
			continue
		case !s.channels.allowed.Load():
			continue
		}
		s.channels.run(s.records(conn, first[:n]), s.peer, client)
		_ = conn.SetDeadline(time.Time{})
	}
}

func (s *session) handshake(ctx context.Context, remote Remote) (*dtls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	shared := []dtls.Option{
		dtls.WithCertificates(s.peer.cert.tls),
		// GCM first: it costs a tenth of the others. Whoever is the server decides.
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithInsecureSkipVerify(true), // the fingerprint is what counts
		dtls.WithVerifyPeerCertificate(func(chain [][]byte, _ [][]*x509.Certificate) error {
			if len(chain) == 0 {
				return fingerprint.ErrMismatch
			}
			return fingerprint.Verify(chain[0], remote.Fingerprint)
		}),
		dtls.WithFlightInterval(flightInterval),
		dtls.WithMTU(dtlsMTU),
		dtls.WithLoggerFactory(quiet()),
	}
	conn, err := s.open(remote.Client, shared)
	if err != nil {
		return nil, fmt.Errorf("open DTLS: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func (s *session) open(client bool, shared []dtls.Option) (*dtls.Conn, error) {
	wire := &wire{session: s}
	if client {
		var options []dtls.ClientOption
		for _, o := range shared {
			options = append(options, o)
		}
		return dtls.ClientWithOptions(wire, wire.LocalAddr(), options...)
	}
	// ICE has shown that the endpoint is where it says, so no cookie is asked for.
	options := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert), dtls.WithInsecureSkipVerifyHello(true)}
	for _, o := range shared {
		options = append(options, o)
	}
	return dtls.ServerWithOptions(wire, wire.LocalAddr(), options...)
}

func handshakeReason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return reasonDTLSTimeout
	}
	return reasonDTLSAlert
}

// exportKeys returns the keys for SRTP, and what another node needs to go on with the connection, nil if it cannot.
func exportKeys(conn *dtls.Conn, client bool) (keys, *Connection, error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return keys{}, nil, errors.New("no SRTP profile in common")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return keys{}, nil, errors.New("no connection state")
	}
	cfg := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return keys{}, nil, fmt.Errorf("export: %w", err)
	}
	fixed, _ := connectionOf(&state)
	return keys{
		profile:  cfg.Profile,
		localKey: cfg.Keys.LocalMasterKey, localSalt: cfg.Keys.LocalMasterSalt,
		remoteKey: cfg.Keys.RemoteMasterKey, remoteSalt: cfg.Keys.RemoteMasterSalt,
	}, fixed, nil
}

// wire is the network as DTLS sees it. Its far end is wherever ICE says, so addresses mean nothing.
type wire struct{ session *session }

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := w.session.inbound.Read(b, nil)
	return n, w.LocalAddr(), err
}

func (w *wire) WriteTo(b []byte, _ net.Addr) (int, error) {
	to := w.session.to.Load()
	switch {
	case w.session.silent.Load():
	case !w.session.admitRecords(b):
		w.session.post(func(time.Duration) { w.session.peer.w.drop(DropBeyondBound) })
	case to.tcp != nil:
		to.tcp.send(b)
	default:
		w.session.peer.w.socket.writeFromAnywhere(to.addr, b)
	}
	return len(b), nil // what is lost is sent again
}

func (w *wire) Close() error                      { return w.session.inbound.Close() }
func (w *wire) LocalAddr() net.Addr               { return net.UDPAddrFromAddrPort(netip.AddrPort{}) }
func (w *wire) SetDeadline(t time.Time) error     { return w.SetReadDeadline(t) }
func (w *wire) SetReadDeadline(t time.Time) error { return w.session.inbound.SetReadDeadline(t) }
func (w *wire) SetWriteDeadline(time.Time) error  { return nil }
