package signaling_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings/settingstest"
	"github.com/cardea-rtc/cardea/services/signaling"
)

func TestWhatWouldEndTheStartIsFoundBefore(t *testing.T) {
	file := func(text string) string { return settingstest.File(t, text) }
	ca := certstest.NewCA(t)
	one, other := ca.Issue(t, time.Now().Add(time.Hour), "localhost"), ca.Issue(t, time.Now().Add(time.Hour), "localhost")
	long := file(strings.Repeat("s", 32))
	settingstest.Checked(t, signaling.Config.Check, map[string]settingstest.Case[signaling.Config]{
		"defaults": {func(*signaling.Config) {}, ""},
		"all that is sound": {func(c *signaling.Config) {
			c.TokenAuth, c.JWTSecretFile, c.APISecretFile, c.TLSCert, c.TLSKey = true, long, long, one.Cert, one.Key
		}, ""},
		"empty apisecret":    {func(c *signaling.Config) { c.APISecretFile = file(" \n") }, "api-secret-file"},
		"empty admin_secret": {func(c *signaling.Config) { c.AdminSecretFile = file("") }, "admin-secret-file"},
		"short JWT secret":   {func(c *signaling.Config) { c.TokenAuth, c.JWTSecretFile = true, file("short") }, "32 bytes"},
		"PEM for keys":       {func(c *signaling.Config) { c.TokenAuth, c.JWTKeysFile = true, one.Cert }, "jwt-keys-file"},
		"JWTs without use":   {func(c *signaling.Config) { c.JWTSecretFile = long }, "without token-auth"},
		"no key":             {func(c *signaling.Config) { c.TLSCert = one.Cert }, "tls-key"},
		"another's key":      {func(c *signaling.Config) { c.TLSCert, c.TLSKey = one.Cert, other.Key }, "tls-key"},
		"user, no password":  {func(c *signaling.Config) { c.NATSUser = "u" }, "nats-password-file"},
		"another's URL":      {func(c *signaling.Config) { c.NATSURL = "ftp://x" }, "nats-url"},
		"no authorities":     {func(c *signaling.Config) { c.Events.Backend, c.Events.CAFile = "https://h", file("") }, "events-backend-ca"},
		"no headers":         {func(c *signaling.Config) { c.Traces.Endpoint, c.Traces.HeadersFile = "https://h", file("x") }, "traces-headers-file"},
	})
}

func TestPrintedSettingsAreReadAgain(t *testing.T) {
	file := settingstest.File(t, "rooms: []")
	for _, args := range [][]string{
		nil,
		{"--traces-ratio=0.000001", "--log-level=debug", "--events=sessions,jsep", "--events-backoff=1h", "--http-listen=", "--origins=https://a.example,https://b.example", "--trusted-proxies=10.0.0.0/8,fd00::/8", "--server-name=a: b # c"},
		{"--api-secret-file", file, "--admin-secret-file", file, "--admin-http-listen=:7088", "--token-auth", "--token-secret-file", file, "--jwt-leeway=0s", "--max-message=1000000"},
	} {
		settingstest.RoundTrip(t, signaling.Config.Check, args...)
	}
}
