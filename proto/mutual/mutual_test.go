package mutual_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/mutual"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const node = "cardea-media"

var quiet = slog.New(slog.DiscardHandler)

func settings(f certs.Files) mutual.GRPC {
	return mutual.GRPC{GRPCTLSCA: f.CA, GRPCTLSCert: f.Cert, GRPCTLSKey: f.Key, GRPCTLSName: node}
}

func serve(t *testing.T, g mutual.GRPC) (address string) {
	t.Helper()
	_, credentials, err := g.Open(quiet)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.Creds(credentials))
	healthv1.RegisterHealthServer(s, health.NewServer())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })
	return l.Addr().String()
}

// asks dials anew and asks.
func asks(t *testing.T, g mutual.GRPC, address string) error {
	t.Helper()
	credentials, _, err := g.Open(quiet)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	return err
}

func TestOnlyWhoHasACertificateOfTheAuthorityIsAnswered(t *testing.T) {
	ca, foreign := certstest.NewCA(t), certstest.NewCA(t)
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	of := func(f certs.Files) mutual.GRPC { f.CA = ca.File; return settings(f) }
	right, server := of(ca.Issue(t, later)), of(ca.Issue(t, later, node))
	for name, c := range map[string]struct {
		client, server mutual.GRPC
		answered       bool
	}{
		"right":                         {right, server, true},
		"client of another authority":   {of(foreign.Issue(t, later)), server, false},
		"client's has expired":          {of(ca.Issue(t, before)), server, false},
		"client in plain text":          {mutual.GRPC{}, server, false},
		"server of another authority":   {right, of(foreign.Issue(t, later, node)), false},
		"server's has expired":          {right, of(ca.Issue(t, before, node)), false},
		"server is not a node":          {right, of(ca.Issue(t, later, "roomstate", "127.0.0.1")), false},
		"server in plain text":          {right, mutual.GRPC{}, false},
		"nobody has any certificate":    {mutual.GRPC{}, mutual.GRPC{}, true},
		"client trusts others":          {settings(foreign.Issue(t, later)), server, false},
		"server trusts others":          {right, settings(foreign.Issue(t, later, node)), false},
		"a node asks another as client": {server, server, true},
	} {
		if err := asks(t, c.client, serve(t, c.server)); (err == nil) != c.answered {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCertificatesAreRenewedWhileServing(t *testing.T) {
	ca := certstest.NewCA(t)
	before := time.Now().Add(-time.Minute)
	client, server := ca.Issue(t, before), ca.Issue(t, before, node)
	address := serve(t, settings(server))
	credentials, _, err := settings(client).Open(quiet)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ask := func(options ...grpc.CallOption) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}, options...)
		return err
	}
	if err := ask(); err == nil {
		t.Fatal("answered with certificates that have expired")
	}
	ca.Renew(t, server, time.Now().Add(time.Hour), node)
	ca.Renew(t, client, time.Now().Add(time.Hour))
	conn.ResetConnectBackoff()
	if err := ask(grpc.WaitForReady(true)); err != nil { // over the same connection, which redials
		t.Fatal(err)
	}
}

func TestHalfOfTheSettingsIsRefused(t *testing.T) {
	f := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour), node)
	for name, g := range map[string]mutual.GRPC{
		"no CA":          settings(certs.Files{Cert: f.Cert, Key: f.Key}),
		"CA alone":       settings(certs.Files{CA: f.CA}),
		"no key":         settings(certs.Files{CA: f.CA, Cert: f.Cert}),
		"no name":        {GRPCTLSCA: f.CA, GRPCTLSCert: f.Cert, GRPCTLSKey: f.Key},
		"key for the CA": settings(certs.Files{CA: f.Key, Cert: f.Cert, Key: f.Key}),
	} {
		if _, _, err := g.Open(quiet); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
