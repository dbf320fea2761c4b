package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// process is a program that is started again when it was killed.
type process struct {
	name, program string
	args          []string
	ops           string // address of /metrics and /readyz; empty for what is not Cardea's
	url           string // of an edge, over WebSocket
	log           *os.File

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// cluster is two of each service, a NATS server and a Redis, all on loopback.
type cluster struct {
	nats, redis string // addresses
	monitor     string // of NATS
	all         []*process
	services    []*process // those of Cardea
	edges       []*process
}

const (
	startTimeout = 60 * time.Second
	restartAfter = 2 * time.Second // about what container engines take
)

func free(network string) (address string, port int, err error) {
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", 0, err
		}
		defer func() { _ = c.Close() }()
		return c.LocalAddr().String(), c.LocalAddr().(*net.UDPAddr).Port, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), l.Addr().(*net.TCPAddr).Port, nil
}

// startCluster returns when all are ready.
func startCluster(ctx context.Context, s settings) (c *cluster, err error) {
	c = &cluster{}
	defer func() {
		if err != nil {
			c.end()
		}
	}()
	var failed error
	address := func() string {
		a, _, err := free("tcp")
		if err != nil {
			failed = err
		}
		return a
	}
	port := func(a string) string { _, p, _ := net.SplitHostPort(a); return p }
	c.nats, c.redis, c.monitor = address(), address(), address()
	add := func(name, program, ops string, args ...string) *process {
		p := &process{name: name, program: program, args: args, ops: ops}
		if ops != "" {
			p.program = filepath.Join(s.programs, program)
			p.args = append(args, "--ops-listen", ops, "--nats-url", "nats://"+c.nats)
			c.services = append(c.services, p)
		}
		c.all = append(c.all, p)
		return p
	}
	add("nats", "nats-server", "", "-a", "127.0.0.1", "-p", port(c.nats), "-m", port(c.monitor))
	add("redis", "redis-server", "", "--bind", "127.0.0.1", "--port", port(c.redis), "--save", "", "--appendonly", "no")
	for i := range 2 {
		add(fmt.Sprint("roomstate-", i), "roomstate", address(), "--redis-url", "redis://"+c.redis,
			"--session-timeout", "20s", "--reclaim-session-timeout", "10s")
	}
	for i := range 2 {
		_, udp, err := free("udp")
		if err != nil {
			return c, err
		}
		name := fmt.Sprint("media-", i)
		add(name, "media", address(), "--name", name, "--grpc-listen", address(), "--udp-port", strconv.Itoa(udp), "--no-tcp",
			"--advertise", "127.0.0.1", "--workers", "1", "--drain-timeout", "5s", "--max-peers", strconv.Itoa(s.people)) // so that one is not enough
	}
	for i := range 2 {
		listen, name := address(), fmt.Sprint("edge-", i)
		p := add(name, "signaling", address(), "--name", name, "--listen", listen, "--http-listen", "", "--admin-listen", "", "--admin-http-listen", "")
		p.url = "ws://" + listen + "/"
		c.edges = append(c.edges, p)
	}
	if failed != nil {
		return c, failed
	}
	for _, p := range c.all {
		if p.log, err = os.Create(filepath.Join(s.out, p.name+".log")); err != nil {
			return c, err
		}
		if err := p.start(); err != nil {
			return c, err
		}
		if p.ops == "" {
			if err := pause(ctx, 500*time.Millisecond); err != nil {
				return c, err
			}
		}
	}
	return c, c.ready(ctx)
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd := exec.Command(p.program, p.args...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	p.cmd, p.done = cmd, done
	return nil
}

// stop ends it by a signal, and returns when it has ended.
func (p *process) stop(s os.Signal) {
	p.mu.Lock()
	cmd, done := p.cmd, p.done
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(s)
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		<-done
	}
}

func (c *cluster) end() {
	for i := len(c.all) - 1; i >= 0; i-- {
		c.all[i].stop(syscall.SIGKILL)
		if c.all[i].log != nil {
			_ = c.all[i].log.Close()
		}
	}
}

// ready waits until all services are.
func (c *cluster) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, p := range c.services {
		for {
			resp, err := http.Get("http://" + p.ops + "/readyz")
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
			}
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return fmt.Errorf("%s does not become ready: %w", p.name, err)
			}
		}
	}
	return nil
}

// kill kills a service now and then, half of the times without a word, and starts it again, until ctx ends. All are up when it
// returns.
func (c *cluster) kill(ctx context.Context, draw *rand.Rand, mean time.Duration, taken *tally) {
	for pause(ctx, time.Duration((0.5+draw.Float64())*float64(mean))) == nil {
		p := c.services[draw.IntN(len(c.services))]
		how, word := os.Signal(syscall.SIGKILL), "killed"
		if draw.IntN(2) == 0 {
			how, word = syscall.SIGTERM, "restarted"
		}
		taken.add(word)
		fmt.Fprintf(os.Stderr, "%s: %s is %s\n", time.Now().Format(time.TimeOnly), p.name, word)
		p.stop(how)
		_ = pause(context.WithoutCancel(ctx), restartAfter)
		if err := p.start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}
