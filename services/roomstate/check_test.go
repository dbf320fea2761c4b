package roomstate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/proto/settings/settingstest"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

func TestWhatWouldEndTheStartIsFoundBefore(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := certstest.NewCA(t).File
	for name, c := range map[string]struct {
		set  func(*roomstate.Config)
		want string // part of what is said; empty if it is valid
	}{
		"defaults":               {func(*roomstate.Config) {}, ""},
		"rooms":                  {func(c *roomstate.Config) { c.RoomsFile = file("rooms: [{room: 7}]") }, ""},
		"rooms that are no YAML": {func(c *roomstate.Config) { c.RoomsFile = file("rooms: [") }, "rooms file"},
		"a room of no key":       {func(c *roomstate.Config) { c.RoomsFile = file("rooms: [{room: 7, pubs: 1}]") }, "pubs"},
		"empty token secret":     {func(c *roomstate.Config) { c.TokenSecretFile = file("") }, "token-secret-file"},
		"an admin key":           {func(c *roomstate.Config) { c.AdminKeyFile = file("k") }, ""},
		"empty admin key":        {func(c *roomstate.Config) { c.AdminKeyFile = file("\n") }, "admin-key-file"},
		"two admin keys":         {func(c *roomstate.Config) { c.AdminKey, c.AdminKeyFile = "k", file("k") }, "both"},
		"authority alone":        {func(c *roomstate.Config) { c.GRPCTLSCA = ca }, "grpc-tls-key"},
		"nowhere to post":        {func(c *roomstate.Config) { c.TextPostAllow = []string{"10.0.0.0/99"} }, "text-post-allow"},
		"another's Redis":        {func(c *roomstate.Config) { c.RedisURL = "ftp://x" }, "redis-url"},
		"another's NATS":         {func(c *roomstate.Config) { c.NATSURL = "ftp://x" }, "nats-url"},
		"user, no password":      {func(c *roomstate.Config) { c.NATSUser = "u" }, "nats-password-file"},
	} {
		var cfg roomstate.Config
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
		{"--traces-ratio=0.000001", "--log-level=debug", "--events=sessions,jsep", "--events-backoff=1h", "--redis-sentinels=a:26379,b:26379", "--redis-master=true", "--redis-url=redis:///3", "--text-post-allow=10.0.0.0/8,hook.example"},
		{"--rooms-file", file, "--token-secret-file", file, "--admin-key-file", file, "--session-timeout=0s", "--string-ids", "--demo-room", "--max-rooms=0", "--ops-listen="},
	} {
		settingstest.RoundTrip(t, roomstate.Config.Check, args...)
	}
}
