package signaling

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
)

// handshake returns the certificate that an address shows, and the protocol agreed on.
func handshake(t *testing.T, address net.Addr, roots *x509.CertPool) (serial, protocol string, err error) {
	t.Helper()
	conn, err := tls.Dial("tcp", address.String(), &tls.Config{RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		return "", "", err
	}
	defer func() { _ = conn.Close() }()
	state := conn.ConnectionState()
	return state.PeerCertificates[0].SerialNumber.String(), state.NegotiatedProtocol, nil
}

// TestEndpointsSeeARenewedCertificate: without a restart, over WebSocket and HTTP; a renewal that is broken changes nothing.
func TestEndpointsSeeARenewedCertificate(t *testing.T) {
	ca := certstest.NewCA(t)
	f := ca.Issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	pem, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	cfg := config(t)
	cfg.TLSCert, cfg.TLSKey = f.Cert, f.Key
	addresses := run(t, cfg)

	seen := map[string]bool{}
	look := func(news bool) {
		t.Helper()
		before := len(seen)
		for _, scheme := range []string{"wss", "https"} {
			serial, protocol, err := handshake(t, addresses[scheme], roots)
			if err != nil || protocol != "http/1.1" {
				t.Fatalf("%s: protocol %q, %v", scheme, protocol, err)
			}
			seen[serial] = true
		}
		if (len(seen) == before+1) != news {
			t.Errorf("certificates seen: %d, then %d", before, len(seen))
		}
	}
	look(true)
	ca.Renew(t, f, time.Now().Add(2*time.Hour), "127.0.0.1")
	look(true)
	if err := os.WriteFile(f.Cert, []byte("half a"), 0o600); err != nil {
		t.Fatal(err)
	}
	look(false)
}
