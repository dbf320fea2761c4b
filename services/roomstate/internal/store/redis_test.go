package store

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/settings"
)

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Redis)
		want   string
	}{
		"no URL":                {func(r *Redis) { r.RedisURL = "127.0.0.1:6379" }, "redis-url"},
		"another scheme":        {func(r *Redis) { r.RedisURL = "http://127.0.0.1" }, "redis-url"},
		"CA without TLS":        {func(r *Redis) { r.RedisTLSCA = empty }, "rediss://"},
		"CA without any":        {func(r *Redis) { r.RedisURL, r.RedisTLSCA = "rediss://127.0.0.1", empty }, "no certificate in"},
		"certificate, no key":   {func(r *Redis) { r.RedisURL, r.RedisTLSCert = "rediss://127.0.0.1", empty }, "go together"},
		"empty password":        {func(r *Redis) { r.RedisPasswordFile = empty }, "redis-password-file"},
		"Sentinel without port": {func(r *Redis) { r.RedisSentinels = []string{"sentinel"} }, "HOST:PORT"},
		"no master":             {func(r *Redis) { r.RedisSentinels, r.RedisMaster = []string{"a:1"}, "" }, "redis-master"},
		"cluster and Sentinel":  {func(r *Redis) { r.RedisSentinels, r.RedisCluster = []string{"a:1"}, true }, "redis-cluster"},
		"cluster and database":  {func(r *Redis) { r.RedisURL, r.RedisCluster = "redis://127.0.0.1/3", true }, "redis-cluster"},
	} {
		var r Redis
		if err := settings.Defaults(&r); err != nil {
			t.Fatal(err)
		}
		c.change(&r)
		st, err := r.Open(slog.New(slog.DiscardHandler))
		if err == nil {
			_ = st.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsDoNotTellThePassword(t *testing.T) {
	_, err := Open("redis://user:topsecret@127.0.0.1:port/0")
	if err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("got %v", err)
	}
}
