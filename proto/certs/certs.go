// Package certs is who a service is, and whom it trusts: certificates from PEM files, read again when the files change, so that
// they can be renewed under way.
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// Files names them. What is empty there is none of.
type Files struct {
	CA        string // those that the other side's certificate must be of; empty for the machine's, where that is a server
	Cert, Key string // our own certificate with those between it and the CA's, and its key; both or neither
}

// Any says whether there is one.
func (f Files) Any() bool { return f != Files{} }

// Source reads the files.
type Source struct {
	files Files // fixed at birth
	log   *slog.Logger

	mu    sync.Mutex // guards what follows
	state [3]stamp   // of the files when they were last tried
	pems  pems       // that were read last and are sound
}

// pems are what the files hold.
type pems struct {
	roots *x509.CertPool    // nil for the machine's
	own   []tls.Certificate // one or none
}

// stamp tells whether a file has changed.
type stamp struct {
	changed time.Time
	size    int64
}

// Open reads the files. A file that cannot be read, or does not hold what it should, is an error now; later the last sound ones
// stay in use, and log is told.
func Open(f Files, log *slog.Logger) (*Source, error) {
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("a certificate and its key go together: one of the two is not set")
	}
	s := &Source{files: f, log: log, state: f.stamps()}
	var err error
	if s.pems, err = f.read(); err == nil {
		f.warn(time.Now(), log)
	}
	return s, err
}

// stamps come before the files are read: what changes meanwhile is read once more.
func (f Files) stamps() (all [3]stamp) {
	for i, path := range []string{f.CA, f.Cert, f.Key} {
		if info, err := os.Stat(path); path != "" && err == nil { // a link to a file is the file
			all[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return all
}

func (f Files) read() (p pems, err error) {
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return p, fmt.Errorf("read certificates to trust: %w", err)
		}
		p.roots = x509.NewCertPool()
		if !p.roots.AppendCertsFromPEM(pem) {
			return p, fmt.Errorf("no certificate in %s", f.CA)
		}
	}
	if f.Cert != "" {
		own, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return p, fmt.Errorf("certificate %s, key %s: %w", f.Cert, f.Key, err)
		}
		p.own = []tls.Certificate{own}
	}
	return p, nil
}

// current returns what the files hold now.
func (s *Source) current() pems {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.files.stamps()
	if state == s.state {
		return s.pems
	}
	s.state = state
	p, err := s.files.read()
	if err != nil { // as between the writing of a certificate and that of its key
		s.log.Warn("changed certificates are not used", "err", err)
		return s.pems
	}
	s.pems = p
	s.log.Info("certificates read again", "cert", s.files.Cert, "ca", s.files.CA)
	s.files.warn(time.Now(), s.log)
	return p
}

// Client returns what to dial with once, now. The server's certificate must be for that name or IP address.
func (s *Source) Client(server string) *tls.Config {
	p := s.current()
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: server, RootCAs: p.roots, Certificates: p.own}
}

// Server returns what to listen with for good. Who has no certificate of the CA's is refused; without a CA nobody is asked for
// one.
func (s *Source) Server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			p := s.current()
			c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: p.own, NextProtos: []string{"h2"}}
			if p.roots != nil {
				c.ClientCAs, c.ClientAuth = p.roots, tls.RequireAndVerifyClientCert
			}
			return c, nil
		},
	}
}

// Own returns our own certificate, and Roots those to trust: nil for the machine's.
func (s *Source) Own() (tls.Certificate, error) {
	if p := s.current(); len(p.own) > 0 {
		return p.own[0], nil
	}
	return tls.Certificate{}, nil
}

// Roots returns the certificates to trust: nil for the machine's.
func (s *Source) Roots() (*x509.CertPool, error) { return s.current().roots, nil }

// Dial opens a TCP connection with TLS. The server's certificate must be for the address's host.
func (s *Source) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{Config: s.Client(host)}).DialContext(ctx, network, address)
}
