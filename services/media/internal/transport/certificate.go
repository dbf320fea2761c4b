package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/fingerprint"
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
	return &certificate{
		tls:         tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		fingerprint: fingerprint.Of(der),
	}, nil
}

// certificates is how many a node has. Two peers that follow each other on one RTCPeerConnection must not have the same:
// by another fingerprint the endpoint knows that its DTLS association is over (RFC 8842, section 4).
const certificates = 4

// Fingerprint is what SDP says of the certificate, as in "sha-256 AB:CD:…".
func (p *Peer) Fingerprint() string { return p.cert.fingerprint }

// UseCertificate has the peer use the n-th certificate, counted round. It is for before the first description.
func (p *Peer) UseCertificate(n uint32) { p.cert = p.w.group.certs[n%certificates] }
