package certs

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// soon is how long before a certificate expires a warning is due.
const soon = 7 * 24 * time.Hour

// Own and Authorities are the kinds of files that Expires knows.
const (
	Own         = "own"         // a certificate, and behind it those between it and its authority's
	Authorities = "authorities" // certificates to trust
)

// File is one with certificates, as a setting names it.
type File struct {
	Setting, Path string
	Kind          string // Own or Authorities
}

// Expires returns NotAfter of a file's certificate: of its own the first's, since who it is shown to may know another way from there;
// of authorities the last's to expire, since an old one may stay beside the one that replaces it.
func Expires(path, kind string) (time.Time, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, fmt.Errorf("read certificates: %w", err)
	}
	t, err := expires(b, kind)
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func expires(file []byte, kind string) (last time.Time, err error) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil && kind == Own:
			return last, err
		case err != nil: // as AppendCertsFromPEM passes over it
		case kind == Own:
			return c.NotAfter, nil
		case c.NotAfter.After(last):
			last = c.NotAfter
		}
	}
	if last.IsZero() {
		return last, errors.New("no certificate")
	}
	return last, nil
}

// Expired is an error if the certificates of a file have expired at a time. What cannot be read is for others to tell.
func Expired(path, kind string, now time.Time) error {
	t, err := Expires(path, kind)
	if err != nil || now.Before(t) {
		return nil
	}
	return fmt.Errorf("certificate %s has expired: it was valid until %s", path, t.UTC().Format(time.RFC3339))
}

// warn tells of files that have expired, or will soon.
func (f Files) warn(now time.Time, log *slog.Logger) {
	for _, file := range []struct{ path, kind string }{{f.CA, Authorities}, {f.Cert, Own}} {
		if file.path == "" {
			continue
		}
		t, err := Expires(file.path, file.kind)
		if err != nil { // it was readable a moment ago; reading it again will tell
			continue
		}
		switch log := log.With("file", file.path, "not_after", t.UTC().Format(time.RFC3339)); {
		case !now.Before(t):
			log.Warn("certificate has expired")
		case now.Add(soon).After(t):
			log.Warn("certificate expires soon")
		}
	}
}
