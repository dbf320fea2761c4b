package endpoint

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v5/packetio"
)

const (
	flightInterval = 50 * time.Millisecond // until a flight is first sent again, as in browsers
	dtlsMTU        = 1200
	maxRecords     = 64 // that wait to be read
)

// profiles are what browsers offer for SRTP, in their order; the server decides.
var profiles = []dtls.SRTPProtectionProfile{
	dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AEAD_AES_128_GCM,
}

var profileNames = map[srtp.ProtectionProfile]string{
	srtp.ProtectionProfileAes128CmHmacSha1_80: "AES-CM-128, HMAC-SHA1-80",
	srtp.ProtectionProfileAeadAes128Gcm:       "AES-GCM-128",
	srtp.ProtectionProfileAeadAes256Gcm:       "AES-GCM-256",
}

// secured is what a handshake gives: inbound opens what the server sends, outbound seals what it gets.
type secured struct {
	inbound, outbound *srtp.Context
	profile           string
}

// shakeHands is the DTLS client's side.
func shakeHands(ctx context.Context, w net.PacketConn, certificate tls.Certificate, fingerprint string) (*dtls.Conn, *secured, error) {
	conn, err := dtls.ClientWithOptions(w, w.LocalAddr(),
		dtls.WithCertificates(certificate),
		dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithInsecureSkipVerify(true), // the fingerprint is what counts
		dtls.WithVerifyPeerCertificate(func(chain [][]byte, _ [][]*x509.Certificate) error {
			return verifyFingerprint(chain, fingerprint)
		}),
		dtls.WithFlightInterval(flightInterval),
		dtls.WithMTU(dtlsMTU),
		dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("open DTLS: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("DTLS handshake: %w", err), conn.Close())
	}
	keys, err := exportKeys(conn)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, keys, nil
}

// exportKeys follows RFC 5764, section 4.2.
func exportKeys(conn *dtls.Conn) (*secured, error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return nil, errors.New("no SRTP profile in common")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, errors.New("no DTLS connection state")
	}
	cfg := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return nil, fmt.Errorf("export SRTP keys: %w", err)
	}
	inbound, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile)
	if err != nil {
		return nil, fmt.Errorf("SRTP: %w", err)
	}
	outbound, err := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile)
	if err != nil {
		return nil, fmt.Errorf("SRTP: %w", err)
	}
	return &secured{inbound, outbound, profileNames[cfg.Profile]}, nil
}

var errFingerprint = errors.New("certificate does not match the offer's fingerprint")

func verifyFingerprint(chain [][]byte, want string) error {
	hash, digits, _ := strings.Cut(want, " ")
	if !strings.EqualFold(hash, "sha-256") {
		return fmt.Errorf("%w: unknown hash %q", errFingerprint, hash)
	}
	if len(chain) == 0 || !strings.EqualFold(fingerprintOf(chain[0]), digits) {
		return errFingerprint
	}
	return nil
}

// fingerprintOf is the SHA-256 of a DER certificate, as SDP writes it (RFC 8122, section 5).
func fingerprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// wire is the network as DTLS sees it: what the subscriber feeds to records, and the path that ICE has found.
type wire struct {
	records *packetio.Buffer
	send    func([]byte)
}

func newWire(send func([]byte)) *wire {
	records := packetio.NewBuffer()
	records.SetLimitCount(maxRecords)
	return &wire{records, send}
}

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := w.records.Read(b, nil)
	return n, w.LocalAddr(), err
}

func (w *wire) WriteTo(b []byte, _ net.Addr) (int, error) {
	w.send(b)
	return len(b), nil // what is lost is sent again
}

func (w *wire) Close() error                      { return w.records.Close() }
func (w *wire) LocalAddr() net.Addr               { return net.UDPAddrFromAddrPort(netip.AddrPort{}) }
func (w *wire) SetDeadline(t time.Time) error     { return w.SetReadDeadline(t) }
func (w *wire) SetReadDeadline(t time.Time) error { return w.records.SetReadDeadline(t) }
func (w *wire) SetWriteDeadline(time.Time) error  { return nil }
