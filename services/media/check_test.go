package media

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/settings/settingstest"
)

func TestWhatWouldEndTheStartIsFoundBefore(t *testing.T) {
	ca := certstest.NewCA(t).File
	for name, c := range map[string]struct {
		set  func(*Config)
		want string // part of what is said; empty if it is valid
	}{
		"defaults":          {func(*Config) {}, ""},
		"authority alone":   {func(c *Config) { c.GRPCTLSCA = ca }, "grpc-tls-key"},
		"nowhere to relay":  {func(c *Config) { c.RelayAddress = "x" }, "relay-address"},
		"another's NATS":    {func(c *Config) { c.NATSURL = "ftp://x" }, "nats-url"},
		"user, no password": {func(c *Config) { c.NATSUser = "u" }, "nats-password-file"},
	} {
		var cfg Config
		if err := settings.Defaults(&cfg); err != nil {
			t.Fatal(err)
		}
		c.set(&cfg)
		err := cfg.Check()
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
		{"--advertise=192.0.2.7,2001:db8::7", "--forward-to=10.0.0.0/8,::1/128", "--remote-from=192.0.2.0/24", "--remote-ports=30000-30009", "--remote-address=192.0.2.7", "--no-tcp", "--record-dir", t.TempDir(), "--advertise-stun=a.example:3478,b.example:3478", "--relay-address=[2001:db8::7]:9", "--capacity-bits=18446744073709551615", "--drain-timeout=90s", "--no-keep-peers"},
		{"--traces-ratio=0.000001", "--log-level=debug", "--events=sessions,jsep", "--events-backoff=1h", "--grpc-insecure", "--grpc-listen=:9000", "--nats-user=u: #x", "--nats-password-file", file, "--name=007"},
	} {
		settingstest.RoundTrip(t, Config.Check, args...)
	}
}
