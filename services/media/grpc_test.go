package media

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/mutual"
)

func TestANodeWithCertificatesAnswersNobodyInPlainText(t *testing.T) {
	t.Parallel()
	f := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour), "cardea-media")
	own := mutual.GRPC{GRPCTLSCA: f.CA, GRPCTLSCert: f.Cert, GRPCTLSKey: f.Key, GRPCTLSName: "cardea-media"}
	s := start(t, func(c *Config) { c.GRPC = own })
	for name, c := range map[string]struct {
		client   mutual.GRPC
		answered bool
	}{"plain text": {mutual.GRPC{}, false}, "certificate": {own, true}} {
		dial, _, err := c.client.Open(slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := grpc.NewClient(s.addresses.GRPC, grpc.WithTransportCredentials(dial))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); (err == nil) != c.answered {
			t.Errorf("%s: %v", name, err)
		}
		_ = conn.Close()
	}
}

func TestPlainTextBeyondLoopbackHasToBeAskedFor(t *testing.T) {
	t.Parallel()
	f := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour), "cardea-media")
	secured := mutual.GRPC{GRPCTLSCA: f.CA, GRPCTLSCert: f.Cert, GRPCTLSKey: f.Key, GRPCTLSName: "cardea-media"}
	for name, c := range map[string]struct {
		config Config
		want   bool
	}{
		"loopback":              {Config{GRPCListen: "127.0.0.1:9000"}, true},
		"loopback by name":      {Config{GRPCListen: "localhost:0"}, true},
		"loopback of IPv6":      {Config{GRPCListen: "[::1]:9000"}, true},
		"anywhere":              {Config{GRPCListen: ":9000"}, false},
		"an address":            {Config{GRPCListen: "192.0.2.1:9000"}, false},
		"a name":                {Config{GRPCListen: "media.example.org:9000"}, false},
		"anywhere, asked for":   {Config{GRPCListen: ":9000", GRPCInsecure: true}, true},
		"anywhere, certificate": {Config{GRPCListen: ":9000", GRPC: secured}, true},
	} {
		if _, err := c.config.withDefaults(); (err == nil) != c.want || err != nil && !strings.Contains(err.Error(), "grpc-insecure") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
