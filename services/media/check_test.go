package media

import (
	"testing"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings/settingstest"
)

func TestWhatWouldEndTheStartIsFoundBefore(t *testing.T) {
	t.Parallel()
	ca := certstest.NewCA(t).File
	settingstest.Checked(t, Config.Check, map[string]settingstest.Case[Config]{
		"defaults":          {func(*Config) {}, ""},
		"authority alone":   {func(c *Config) { c.GRPCTLSCA = ca }, "grpc-tls-key"},
		"nowhere to relay":  {func(c *Config) { c.RelayAddress = "x" }, "relay-address"},
		"another's NATS":    {func(c *Config) { c.NATSURL = "ftp://x" }, "nats-url"},
		"user, no password": {func(c *Config) { c.NATSUser = "u" }, "nats-password-file"},
	})
}

func TestPrintedSettingsAreReadAgain(t *testing.T) {
	t.Parallel()
	file := settingstest.File(t, "rooms: []")
	for _, args := range [][]string{
		nil,
		{"--advertise=192.0.2.7,2001:db8::7", "--forward-to=10.0.0.0/8,::1/128", "--remote-from=192.0.2.0/24", "--remote-ports=30000-30009", "--remote-address=192.0.2.7", "--no-tcp", "--record-dir", t.TempDir(), "--advertise-stun=a.example:3478,b.example:3478", "--relay-address=[2001:db8::7]:9", "--capacity-bits=18446744073709551615", "--drain-timeout=90s", "--no-keep-peers"},
		{"--traces-ratio=0.000001", "--log-level=debug", "--events=sessions,jsep", "--events-backoff=1h", "--grpc-insecure", "--grpc-listen=:9000", "--nats-user=u: #x", "--nats-password-file", file, "--name=007"},
	} {
		settingstest.RoundTrip(t, Config.Check, args...)
	}
}
