package main

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings/settingstest"
)

func TestWhatWouldEndTheStartIsFoundBefore(t *testing.T) {
	empty := settingstest.File(t, "")
	broken := settingstest.File(t, "rooms: [")
	cert := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour), "localhost").Cert
	settingstest.Checked(t, config.check, map[string]settingstest.Case[config]{
		"defaults":                   {func(*config) {}, ""},
		"signaling's":                {func(c *config) { c.Signaling.APISecretFile = empty }, "api-secret-file"},
		"roomstate's":                {func(c *config) { c.Roomstate.RoomsFile = broken }, "rooms file"},
		"of no use to a page alone":  {func(c *config) { c.PageOnly, c.Signaling.APISecretFile = true, empty }, ""},
		"the page's":                 {func(c *config) { c.PageOnly, c.Signaling.TLSCert = true, cert }, "tls-key"},
		"address that has no port":   {func(c *config) { c.Signaling.Listen = "here" }, "--listen"},
		"limit that must be above 0": {func(c *config) { c.Signaling.MaxSockets = 0 }, "max-sockets"},
	})
}

func TestPrintedSettingsAreReadAgain(t *testing.T) {
	file := settingstest.File(t, "rooms: []")
	for _, args := range [][]string{
		nil,
		{"--advertise=192.0.2.7,2001:db8::7", "--forward-to=10.0.0.0/8,::1/128", "--remote-from=192.0.2.0/24", "--remote-ports=30000-30009", "--remote-address=192.0.2.7", "--no-tcp", "--record-dir", t.TempDir(), "--no-demo-room", "--page-listen=127.0.0.1:0", "--rooms-file", file},
		{"--traces-ratio=0.000001", "--log-level=debug", "--events=sessions,jsep", "--events-backoff=1h", "--origins=https://a.example", "--http-listen=", "--api-secret-file", file},
	} {
		settingstest.RoundTrip(t, config.check, args...)
	}
}
