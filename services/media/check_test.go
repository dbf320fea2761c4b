package media

import (
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings"
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
