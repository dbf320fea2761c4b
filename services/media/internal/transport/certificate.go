package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// certificate is what a node shows in DTLS handshakes: self-signed, made at its start, known by its fingerprint.
type certificate struct {
	tls         tls.Certificate
	fingerprint string
}

func newCertificate() (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make DTLS key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "WebRTC"},
		NotBefore:    time.Now().Add(-24 * time.Hour), // an endpoint's clock may be late
		NotAfter:     time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	sum := sha256.Sum256(der)
	return &certificate{
		tls:         tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		fingerprint: "sha-256 " + hexPairs(sum[:]),
	}, nil
}

// certificates is how many a node has. Two peers that follow each other on one RTCPeerConnection must not have the same:
// by another fingerprint the endpoint knows that its DTLS association is over (RFC 8842, section 4).
const certificates = 4

// Fingerprint is what SDP says of the certificate, as in "sha-256 AB:CD:…".
func (p *Peer) Fingerprint() string { return p.cert.fingerprint }

// UseCertificate has the peer use the n-th certificate, counted round. It is for before the first description.
func (p *Peer) UseCertificate(n uint32) { p.cert = p.w.group.certs[n%certificates] }

// errFingerprint means that the endpoint is not the one that sent the SDP.
var errFingerprint = errors.New("certificate does not match the fingerprint in the SDP")

// verifyFingerprint compares a DER certificate with what SDP said: "sha-256 AB:CD:…", or sha-1 (RFC 8122, section 5).
func verifyFingerprint(der []byte, fingerprint string) error {
	hash, want, _ := strings.Cut(fingerprint, " ")
	var sum []byte
	switch strings.ToLower(hash) {
	case "sha-256":
		s := sha256.Sum256(der)
		sum = s[:]
	case "sha-1":
		s := sha1.Sum(der)
		sum = s[:]
	default:
		return fmt.Errorf("%w: unknown hash %q", errFingerprint, hash)
	}
	if subtle.ConstantTimeCompare([]byte(hexPairs(sum)), []byte(strings.ToUpper(want))) != 1 {
		return errFingerprint
	}
	return nil
}

// hexPairs writes b as SDP wants it: AB:CD:….
func hexPairs(b []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ":")
}
