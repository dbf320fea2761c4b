package cluster

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/e2e/internal/proc"
	"github.com/cardea-rtc/cardea/proto/certs"
)

// Failover is a Redis that fails over: a master, a replica, and three Sentinels that watch them.
type Failover struct {
	Master, Replica *proc.Process
	Settings        []string // by which roomstate reaches it
}

// StartFailover runs it until the test ends. Sentinels want a password of their own.
func StartFailover(t testing.TB) *Failover {
	t.Helper()
	master, replica := proc.FreeTCP(t), proc.FreeTCP(t)
	host, port, _ := net.SplitHostPort(master)
	f := &Failover{
		Master:  startRedis(t, "redis-master", master),
		Replica: startRedis(t, "redis-replica", replica, "--replicaof", host+" "+port),
	}
	var sentinels []string
	for i := range 3 {
		address := proc.FreeTCP(t)
		_, sentinelPort, _ := net.SplitHostPort(address)
		config := filepath.Join(t.TempDir(), "sentinel.conf") // Sentinels write to it
		lines := []string{
			"bind 127.0.0.1", "port " + sentinelPort, "requirepass sentinelpwd", "sentinel sentinel-pass sentinelpwd",
			fmt.Sprintf("sentinel monitor cardea %s %s 2", host, port),
			"sentinel down-after-milliseconds cardea 1000", "sentinel failover-timeout cardea 5000",
		}
		if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		proc.Start(t, fmt.Sprint("sentinel", i), "redis-sentinel", config).WaitTCP(t, address)
		sentinels = append(sentinels, address)
	}
	f.Settings = []string{
		"--redis-sentinels", strings.Join(sentinels, ","), "--redis-master", "cardea", "--redis-sentinel-password-file", SecretFile(t, "sentinelpwd"),
	}
	return f
}

func startRedis(t testing.TB, name, address string, args ...string) *proc.Process {
	t.Helper()
	host, port, _ := net.SplitHostPort(address)
	p := proc.Start(t, name, "redis-server", append([]string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no"}, args...)...)
	p.WaitTCP(t, address)
	return p
}

// StartRedis runs one until the test ends, and returns its address.
func StartRedis(t testing.TB) string {
	t.Helper()
	address := proc.FreeTCP(t)
	startRedis(t, "redis", address)
	return address
}

// StartRedisWithACL runs a Redis that speaks nothing but TLS, asks for a certificate, and knows one user, who may do what roomstate
// needs. It returns the settings by which roomstate reaches it.
func StartRedisWithACL(t testing.TB, server, client certs.Files) []string {
	t.Helper()
	address := proc.FreeTCP(t)
	host, port, _ := net.SplitHostPort(address)
	acl := filepath.Join(t.TempDir(), "users.acl")
	users := "user default off\nuser cardea on >redispwd " + RedisACL + "\n"
	if err := os.WriteFile(acl, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	p := proc.Start(t, "redis", "redis-server", "--bind", host, "--port", "0", "--tls-port", port, "--save", "", "--appendonly", "no", "--aclfile", acl,
		"--tls-cert-file", server.Cert, "--tls-key-file", server.Key, "--tls-ca-cert-file", server.CA, "--tls-auth-clients", "yes")
	p.WaitTCP(t, address)
	return []string{
		"--redis-url", "rediss://" + address, "--redis-user", "cardea", "--redis-password-file", SecretFile(t, "redispwd"),
		"--redis-tls-ca", client.CA, "--redis-tls-cert", client.Cert, "--redis-tls-key", client.Key,
	}
}

// RedisACL is what docs/security.md says that a user of Redis needs.
const RedisACL = "~{cardea}:* resetchannels -@all +@read +@write +@scripting +@connection +@transaction +time -@dangerous +info +wait"
