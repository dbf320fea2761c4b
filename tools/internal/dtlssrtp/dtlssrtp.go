// Package dtlssrtp is the client's side of DTLS-SRTP (RFC 5764), for endpoints that move packets themselves.
package dtlssrtp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
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

// Keys are what a handshake gives: Inbound opens what the server sends, Outbound seals what it gets.
type Keys struct {
	Inbound, Outbound *srtp.Context
	Profile           string // its name, for people
}

// NewCertificate makes one that lasts a month, and its fingerprint as SDP has it: hash, space, digits.
func NewCertificate() (certificate tls.Certificate, fingerprint string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("generate key: %w", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("generate certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, "sha-256 " + fingerprintOf(der), nil
}

// ShakeHands is the DTLS client's side; fingerprint is what the server's SDP says of its certificate.
func ShakeHands(ctx context.Context, w net.PacketConn, certificate tls.Certificate, fingerprint string) (*dtls.Conn, *Keys, error) {
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
func exportKeys(conn *dtls.Conn) (*Keys, error) {
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
	return &Keys{inbound, outbound, profileNames[cfg.Profile]}, nil
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

// Wire is the network as DTLS sees it: what Receive is given, and the path that ICE has found.
type Wire struct {
	records *packetio.Buffer
	send    func([]byte)
}

// NewWire returns one that sends by send, which borrows its argument.
func NewWire(send func([]byte)) *Wire {
	records := packetio.NewBuffer()
	records.SetLimitCount(maxRecords)
	return &Wire{records, send}
}

// Receive takes a record that came, of which it keeps a copy. One too many is dropped, and comes again.
func (w *Wire) Receive(b []byte) { _, _ = w.records.Write(b, nil) }

// The methods of net.PacketConn: there is but one address, and sending does not wait.

func (w *Wire) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := w.records.Read(b, nil)
	return n, w.LocalAddr(), err
}

func (w *Wire) WriteTo(b []byte, _ net.Addr) (int, error) {
	w.send(b)
	return len(b), nil // what is lost is sent again
}

func (w *Wire) Close() error                      { return w.records.Close() }
func (w *Wire) LocalAddr() net.Addr               { return net.UDPAddrFromAddrPort(netip.AddrPort{}) }
func (w *Wire) SetDeadline(t time.Time) error     { return w.SetReadDeadline(t) }
func (w *Wire) SetReadDeadline(t time.Time) error { return w.records.SetReadDeadline(t) }
func (w *Wire) SetWriteDeadline(time.Time) error  { return nil }
