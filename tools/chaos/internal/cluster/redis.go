package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	redisPort    = "6379"
	sentinelPort = "26379"
	masterName   = "cardea" // what Sentinels call the master
)

// redis makes Redis's processes, and returns the settings by which roomstate reaches them.
func (c *Cluster) redis(s Settings, process func(host, program, ops string, args ...string) *Process) (settings []string, err error) {
	servers := 1
	if s.Sentinel {
		servers = 3
	}
	first := Address("redis-0").String()
	for i := range servers {
		host := fmt.Sprint("redis-", i)
		dir := filepath.Join(s.Dir, host)
		if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
			return nil, err
		}
		// As docker-compose.yml and the Helm chart have it: every write goes to a file.
		args := []string{"--bind", Address(host).String(), "--protected-mode", "no", "--appendonly", "yes", "--dir", dir}
		if s.Sentinel { // a master that is cut off takes nothing (ADR 19)
			args = append(args, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "5", "--repl-diskless-sync-delay", "0")
		}
		if i > 0 {
			args = append(args, "--replicaof", first, redisPort)
		}
		c.Redis = append(c.Redis, process(host, "redis-server", "", args...))
	}
	if !s.Sentinel {
		return []string{"--redis-url", fmt.Sprintf("redis://%s:%s", first, redisPort)}, nil
	}
	var sentinels []string
	for i := range 3 {
		host := fmt.Sprint("sentinel-", i)
		file := filepath.Join(s.Dir, host+".conf") // Sentinels write to it
		lines := []string{
			"bind " + Address(host).String(), "port " + sentinelPort, "protected-mode no", "dir " + s.Dir,
			fmt.Sprintf("sentinel monitor %s %s %s 2", masterName, first, redisPort),
			"sentinel down-after-milliseconds " + masterName + " 1000", "sentinel failover-timeout " + masterName + " 5000",
		}
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
		c.Sentinels = append(c.Sentinels, process(host, "redis-sentinel", "", file))
		sentinels = append(sentinels, Address(host).String()+":"+sentinelPort)
	}
	return []string{"--redis-sentinels", strings.Join(sentinels, ","), "--redis-master", masterName}, nil
}

// askTimeout is how long a Redis or a Sentinel may take to answer.
const askTimeout = time.Second

// ask has a Redis or a Sentinel carry out a command, and returns what it says.
func ask(ctx context.Context, p *Process, port string, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-h", Address(p.Name).String(), "-p", port}, command...)...).Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for %s: %w", p.Name, command[0], err)
	}
	return string(out), nil
}

// Master is the Redis that takes writes.
func (c *Cluster) Master(ctx context.Context) (*Process, error) {
	if len(c.Sentinels) == 0 {
		return c.Redis[0], nil
	}
	var all []error
	for _, s := range c.Sentinels {
		out, err := ask(ctx, s, sentinelPort, "sentinel", "get-master-addr-by-name", masterName)
		if err != nil {
			all = append(all, err)
			continue
		}
		address, _, _ := strings.Cut(out, "\n")
		for _, p := range c.Redis {
			if Address(p.Name).String() == address {
				return p, nil
			}
		}
	}
	return nil, fmt.Errorf("no Sentinel knows the master of Redis: %w", errors.Join(all...))
}

// Mastered tells whether Sentinels name a master that is one, nil if so.
func (c *Cluster) Mastered(ctx context.Context) error {
	master, err := c.Master(ctx)
	if err != nil {
		return err
	}
	out, err := ask(ctx, master, redisPort, "role")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(out, "master") {
		return fmt.Errorf("%s, which Sentinels name, says %s", master.Name, strings.TrimSpace(out))
	}
	return nil
}

// Failable tells whether Redis could lose its master now, nil if so: Sentinels know of each other and of the replicas, and those have
// what the master has.
func (c *Cluster) Failable(ctx context.Context) error {
	if len(c.Sentinels) == 0 {
		return nil
	}
	for _, s := range c.Sentinels {
		out, err := ask(ctx, s, sentinelPort, "info", "sentinel")
		if err != nil {
			return err
		}
		if !strings.Contains(out, "status=ok") || !strings.Contains(out, "slaves=2,sentinels=3") {
			return fmt.Errorf("%s knows %s", s.Name, strings.TrimSpace(out))
		}
	}
	master, err := c.Master(ctx)
	if err != nil {
		return err
	}
	out, err := ask(ctx, master, redisPort, "info", "replication")
	if err != nil {
		return err
	}
	if strings.Count(out, "state=online") < 2 {
		return fmt.Errorf("replicas of %s: %s", master.Name, strings.TrimSpace(out))
	}
	return nil
}
