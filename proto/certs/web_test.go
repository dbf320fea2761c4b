package certs_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
)

func TestTLSBefore12IsRefused(t *testing.T) {
	ca := certstest.NewCA(t)
	s := open(t, ca.Issue(t, later, "127.0.0.1"))
	for name, config := range map[string]*tls.Config{"web": s.Web(), "between services": s.Server()} {
		t.Run(name, func(t *testing.T) {
			for version, taken := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
				client := s.Client("127.0.0.1")
				client.MinVersion, client.MaxVersion = tls.VersionTLS10, version
				if err := handshake(t, config, client); (err == nil) != taken {
					t.Errorf("%s: %v", tls.VersionName(version), err)
				}
			}
		})
	}
}

// handshake returns what the client was told.
func handshake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.(*tls.Conn).Handshake()
		_ = conn.Close()
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return tls.Client(conn, client).Handshake()
}
