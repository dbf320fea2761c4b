package events

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config is what there is to set. Without a subject or a backend there are no events.
type Config struct {
	Subject      string        `name:"events-subject" help:"NATS subject for events as Janus's event handlers get them, one a message; empty for none." placeholder:"SUBJECT"`
	Backend      string        `name:"events-backend" help:"URL to which events are posted; empty for none." placeholder:"URL"`
	User         string        `name:"events-backend-user" help:"User name for the backend (basic authentication)."`
	PasswordFile string        `name:"events-backend-password-file" help:"File with that user's password." type:"existingfile"`
	CAFile       string        `name:"events-backend-ca" certificate:"authorities" help:"File with the authorities, PEM, that may vouch for the backend. Default: the system's." type:"existingfile"`
	Mask         []string      `name:"events" help:"Kinds of events: sessions, handles, external, jsep, webrtc, media, plugins, transports, core, or all." default:"all"`
	Grouping     bool          `name:"events-grouping" help:"Post events together, as an array." default:"true" negatable:""`
	Queue        int           `name:"events-queue" help:"Events that wait for a destination; those beyond are dropped." default:"10000"`
	Retries      int           `name:"events-retries" help:"How often a post is repeated that failed, until its events are dropped." default:"5"`
	Backoff      time.Duration `name:"events-backoff" help:"Wait before the first repetition; doubles with each." default:"100ms"`
	Timeout      time.Duration `name:"events-timeout" help:"How long the backend may take to answer." default:"10s"`
	Emitter      string        `name:"events-emitter" help:"What events say that they come from, as Janus's server_name." default:"Cardea"`
}

// Validate is called when settings have been read.
func (c Config) Validate() error {
	if _, err := ParseMask(c.Mask); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	if c.Queue < 1 && c.On() {
		return fmt.Errorf("events-queue must be above 0, is %d", c.Queue)
	}
	if c.Timeout <= 0 && c.On() {
		return fmt.Errorf("events-timeout must be above 0, is %v", c.Timeout)
	}
	if c.Retries < 0 || c.Backoff < 0 {
		return errors.New("events-retries and events-backoff must not be below 0")
	}
	if strings.ContainsAny(c.Subject, " \t\r\n*>") {
		return fmt.Errorf("events-subject %q is no subject to publish on", c.Subject)
	}
	if c.Backend == "" {
		return nil
	}
	u, err := url.Parse(c.Backend)
	if err != nil {
		return errors.New("events-backend is no URL") // which may hold a password, so it is not shown
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("events-backend must begin with http:// or https:// and a host")
	}
	if u.User != nil {
		return errors.New("events-backend must not hold a password: set events-backend-password-file")
	}
	return nil
}

// Check reads the files, and says what New would refuse.
func (c Config) Check() error {
	if c.Backend == "" {
		return nil
	}
	if _, err := c.password(); err != nil {
		return err
	}
	_, err := c.client()
	return err
}

// On tells whether there are events.
func (c Config) On() bool { return c.Subject != "" || c.Backend != "" }

// client speaks with the backend. Redirects are not followed: they could lead credentials and events elsewhere.
func (c Config) client() (*http.Client, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("events-backend-ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("events-backend-ca: no certificate in %s", c.CAFile)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{
		Transport: transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func (c Config) password() (string, error) {
	if c.PasswordFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("events-backend-password-file: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
