package certs_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	later = time.Now().Add(time.Hour)
)

func open(t *testing.T, f certs.Files) *certs.Source {
	t.Helper()
	s, err := certs.Open(f, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve greets whoever comes with a certificate that is taken.
func serve(t *testing.T, s *certs.Source) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", s.Server())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("welcome"))
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// greeted dials and tells what was wrong.
func greeted(t *testing.T, s *certs.Source, address string) error {
	t.Helper()
	conn, err := s.Dial(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = io.ReadFull(conn, make([]byte, len("welcome"))) // in TLS 1.3 this tells whether we were taken
	return err
}

func TestOnlyWhoHasTheRightCertificateIsTaken(t *testing.T) {
	ca, foreign := certstest.NewCA(t), certstest.NewCA(t)
	right := ca.Issue(t, later, "127.0.0.1")
	of := func(f certs.Files, authority string) certs.Files { f.CA = authority; return f }
	for name, c := range map[string]struct {
		server, client certs.Files
		taken          bool
	}{
		"right":                         {right, right, true},
		"client of another CA":          {right, of(foreign.Issue(t, later, "127.0.0.1"), ca.File), false},
		"client without a certificate":  {right, certs.Files{CA: ca.File}, false},
		"client's has expired":          {right, ca.Issue(t, time.Now().Add(-time.Minute), "127.0.0.1"), false},
		"server of another CA":          {of(foreign.Issue(t, later, "127.0.0.1"), ca.File), right, false},
		"server of another name":        {ca.Issue(t, later, "127.0.0.2", "localhost"), right, false},
		"server's has expired":          {ca.Issue(t, time.Now().Add(-time.Minute), "127.0.0.1"), right, false},
		"the machine's CAs know it not": {right, of(right, ""), false},
	} {
		if err := greeted(t, open(t, c.client), serve(t, open(t, c.server))); (err == nil) != c.taken {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlainTextIsNotAnswered(t *testing.T) {
	address := serve(t, open(t, certstest.NewCA(t).Issue(t, later, "127.0.0.1")))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("PRI * HTTP/2.0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(conn); string(b) == "welcome" {
		t.Error("plain text was answered")
	}
}

func TestChangedFilesAreReadAgain(t *testing.T) {
	ca := certstest.NewCA(t)
	server, client := ca.Issue(t, time.Now().Add(-time.Minute), "127.0.0.1"), ca.Issue(t, time.Now().Add(-time.Minute))
	dialling, address := open(t, client), serve(t, open(t, server))
	if err := greeted(t, dialling, address); err == nil {
		t.Fatal("certificates that have expired are taken")
	}
	ca.Renew(t, server, later, "127.0.0.1")
	if err := greeted(t, dialling, address); err == nil {
		t.Fatal("the client's, which has expired, is taken")
	}
	ca.Renew(t, client, later)
	if err := greeted(t, dialling, address); err != nil {
		t.Fatal(err)
	}

	// Both sides come to trust another authority.
	next := certstest.NewCA(t)
	pem, err := os.ReadFile(next.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ca.File, append(pem, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := greeted(t, dialling, address); err == nil {
		t.Fatal("certificates of the authority that was are taken")
	}
	next.Renew(t, server, later, "127.0.0.1")
	next.Renew(t, client, later)
	if err := greeted(t, dialling, address); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatAreBrokenUnderWayChangeNothing(t *testing.T) {
	ca := certstest.NewCA(t)
	f := ca.Issue(t, later, "127.0.0.1")
	s := open(t, f)
	address := serve(t, s)
	for _, path := range []string{f.CA, f.Cert, f.Key} {
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, was[:len(was)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := greeted(t, s, address); err != nil {
			t.Errorf("%s broken: %v", filepath.Base(path), err)
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesThatAreWrongAtTheStartAreRefused(t *testing.T) {
	ca := certstest.NewCA(t)
	f := ca.Issue(t, later, "127.0.0.1")
	other := ca.Issue(t, later, "127.0.0.1")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]certs.Files{
		"no CA":                         {CA: empty},
		"CA that is not there":          {CA: empty + "er"},
		"certificate without key":       {Cert: f.Cert},
		"key without certificate":       {Key: f.Key},
		"key of another":                {Cert: f.Cert, Key: other.Key},
		"certificate that is no such":   {Cert: empty, Key: f.Key},
		"certificate that is not there": {Cert: empty + "er", Key: f.Key},
	} {
		if _, err := certs.Open(wrong, quiet); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
