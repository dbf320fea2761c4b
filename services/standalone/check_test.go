package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings/settingstest"
)

func TestWhatWouldEndTheStartIsFoundBefore(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("rooms: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	cert := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour), "localhost").Cert
	for name, c := range map[string]struct {
		set  func(*config)
		want string // part of what is said; empty if it is valid
	}{
		"defaults":                   {func(*config) {}, ""},
		"signaling's":                {func(c *config) { c.Signaling.APISecretFile = empty }, "api-secret-file"},
		"roomstate's":                {func(c *config) { c.Roomstate.RoomsFile = broken }, "rooms file"},
		"of no use to a page alone":  {func(c *config) { c.PageOnly, c.Signaling.APISecretFile = true, empty }, ""},
		"the page's":                 {func(c *config) { c.PageOnly, c.Signaling.TLSCert = true, cert }, "tls-key"},
		"address that has no port":   {func(c *config) { c.Signaling.Listen = "here" }, "--listen"},
		"limit that must be above 0": {func(c *config) { c.Signaling.MaxSockets = 0 }, "max-sockets"},
	} {
		cfg := defaults(t)
		c.set(&cfg)
		err := cfg.check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestPrintedSettingsAreReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file: of #settings")
	if err := os.WriteFile(file, []byte("rooms: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		nil,
		{"--advertise=192.0.2.7,2001:db8::7", "--forward-to=10.0.0.0/8,::1/128", "--remote-from=192.0.2.0/24", "--remote-ports=30000-30009", "--remote-address=192.0.2.7", "--no-tcp", "--record-dir", t.TempDir(), "--no-demo-room", "--page-listen=127.0.0.1:0", "--rooms-file", file},
		{"--traces-ratio=0.000001", "--log-level=debug", "--events=sessions,jsep", "--events-backoff=1h", "--origins=https://a.example", "--http-listen=", "--api-secret-file", file},
	} {
		settingstest.RoundTrip(t, config.check, args...)
	}
}
