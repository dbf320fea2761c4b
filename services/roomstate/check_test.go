package roomstate_test

import (
	"testing"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/settings/settingstest"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

func TestWhatWouldEndTheStartIsFoundBefore(t *testing.T) {
	file := func(text string) string { return settingstest.File(t, text) }
	ca := certstest.NewCA(t).File
	settingstest.Checked(t, roomstate.Config.Check, map[string]settingstest.Case[roomstate.Config]{
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
	})
}

func TestPrintedSettingsAreReadAgain(t *testing.T) {
	file := settingstest.File(t, "rooms: []")
	for _, args := range [][]string{
		nil,
		{"--traces-ratio=0.000001", "--log-level=debug", "--events=sessions,jsep", "--events-backoff=1h", "--redis-sentinels=a:26379,b:26379", "--redis-master=true", "--redis-url=redis:///3", "--text-post-allow=10.0.0.0/8,hook.example"},
		{"--rooms-file", file, "--token-secret-file", file, "--admin-key-file", file, "--session-timeout=0s", "--string-ids", "--demo-room", "--max-rooms=0", "--ops-listen="},
	} {
		settingstest.RoundTrip(t, roomstate.Config.Check, args...)
	}
}
