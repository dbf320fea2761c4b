package traces

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/cardea-rtc/cardea/proto/certs"
)

// Config is what there is to set, the same for all services; the tags are its documentation.
type Config struct {
	Endpoint    string  `name:"traces-endpoint" help:"Where spans of OpenTelemetry are sent by OTLP over gRPC: http://HOST:4317 in plain text, https://HOST:4317 with TLS; empty for nowhere, and there are none." placeholder:"URL"`
	Ratio       float64 `name:"traces-ratio" help:"Share of requests, and of nodes' events, that are traced: from 0 to 1." default:"0.1"`
	CAFile      string  `name:"traces-tls-ca" certificate:"authorities" help:"File with the authorities, PEM, that may vouch for that server. Default: the system's." type:"existingfile" placeholder:"FILE"`
	CertFile    string  `name:"traces-tls-cert" certificate:"own" help:"File with this service's certificate for it, PEM." type:"existingfile" placeholder:"FILE"`
	KeyFile     string  `name:"traces-tls-key" help:"File with its key, PEM. These three are read again when they change." type:"existingfile" placeholder:"FILE"`
	HeadersFile string  `name:"traces-headers-file" help:"File with what else the server wants to be sent, such as credentials: NAME: VALUE in each line." type:"existingfile" placeholder:"FILE"`
	Queue       int     `name:"traces-queue" help:"Spans that wait to be sent; those beyond are dropped." default:"4096"`
}

// On tells whether there are traces.
func (c Config) On() bool { return c.Endpoint != "" }

// Validate is called when settings have been read.
func (c Config) Validate() error {
	if !c.On() {
		return nil
	}
	if !(c.Ratio >= 0 && c.Ratio <= 1) {
		return fmt.Errorf("traces-ratio must be from 0 to 1, is %v", c.Ratio)
	}
	if c.Queue < 1 {
		return fmt.Errorf("traces-queue must be above 0, is %d", c.Queue)
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "": // it may hold a password, so it is not shown
		return errors.New("traces-endpoint must begin with http:// or https:// and a host")
	case u.User != nil || u.RawQuery != "":
		return errors.New("traces-endpoint must not hold credentials: set traces-headers-file")
	case u.Path != "" && u.Path != "/":
		return errors.New("traces-endpoint must not have a path: it is spoken to by gRPC")
	case u.Scheme == "http" && c.files().Any():
		return errors.New("traces-endpoint must begin with https:// if there are certificates")
	case u.Scheme == "http" && c.HeadersFile != "" && !loopback(u.Hostname()):
		return errors.New("traces-endpoint must begin with https:// if there is a traces-headers-file, unless it is on this machine")
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("traces-tls-cert and traces-tls-key go together: one of them is not set")
	}
	return nil
}

func (c Config) files() certs.Files {
	return certs.Files{CA: c.CAFile, Cert: c.CertFile, Key: c.KeyFile}
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Check reads the files, and says what Open would refuse.
func (c Config) Check() error {
	if !c.On() {
		return nil
	}
	if err := c.Validate(); err != nil {
		return err
	}
	if _, err := c.headers(); err != nil {
		return err
	}
	_, err := c.source(slog.New(slog.DiscardHandler))
	return err
}

// source has the certificates; nil for plain text.
func (c Config) source(log *slog.Logger) (*certs.Source, error) {
	if !strings.HasPrefix(c.Endpoint, "https") {
		return nil, nil
	}
	source, err := certs.Open(c.files(), log)
	if err != nil {
		return nil, fmt.Errorf("traces-tls: %w", err)
	}
	return source, nil
}

// address is the endpoint's host, and its port too: 4317 if it names none, as OTLP has it.
func (c Config) address() (host, address string) {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return "", ""
	}
	port := u.Port()
	if port == "" {
		port = "4317"
	}
	return u.Hostname(), net.JoinHostPort(u.Hostname(), port)
}

// headers reads HeadersFile. Errors name the line, and never what is in it.
func (c Config) headers() (map[string]string, error) {
	if c.HeadersFile == "" {
		return nil, nil
	}
	f, err := os.Open(c.HeadersFile)
	if err != nil {
		return nil, fmt.Errorf("traces-headers-file: %w", err)
	}
	defer func() { _ = f.Close() }()
	all, err := parseHeaders(f)
	if err != nil {
		return nil, fmt.Errorf("traces-headers-file %s: %w", c.HeadersFile, err)
	}
	return all, nil
}

func parseHeaders(r io.Reader) (map[string]string, error) {
	all := map[string]string{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("line %d is not NAME: VALUE", n)
		}
		all[name] = value
	}
	return all, lines.Err()
}
