// Package cluster starts a whole Cardea of processes on loopback, from programs that have been built: for runs of minutes and
// hours, in which processes may be ended and started again.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Options say what is started.
type Options struct {
	Programs string // folder with signaling, roomstate and media
	Logs     string // folder that gets a log of each process
	Nodes    int    // of media

	// What each process of a service is told beside what makes them a cluster.
	Signaling, Roomstate, Media []string
	FirstMedia                  []string // the first node alone, beside Media
}

// Cluster is two edges, two replicas of roomstate, nodes, a NATS server and a Redis, all on loopback.
type Cluster struct {
	NATS, Redis string // addresses
	Monitor     string // of NATS, over HTTP
	Services    []*Process
	Edges       []*Process // of these
	Nodes       []*Process // likewise

	all []*Process
}

const startTimeout = 60 * time.Second

// free returns an address that nobody listens at. Another process may take it meanwhile.
func free(network string) (address string, port string, err error) {
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer func() { _ = c.Close() }()
		address = c.LocalAddr().String()
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer func() { _ = l.Close() }()
		address = l.Addr().String()
	}
	_, port, err = net.SplitHostPort(address)
	return address, port, err
}

// Start returns when all are ready.
func Start(ctx context.Context, o Options) (c *Cluster, err error) {
	c = &Cluster{}
	defer func() {
		if err != nil {
			c.End()
		}
	}()
	if err := c.plan(o); err != nil {
		return nil, err
	}
	for _, p := range c.all {
		if p.log, err = os.Create(filepath.Join(o.Logs, p.Name+".log")); err != nil {
			return nil, err
		}
		if err := p.Start(); err != nil {
			return nil, err
		}
		if p.Ops == "" {
			if err := pause(ctx, 500*time.Millisecond); err != nil {
				return nil, err
			}
		}
	}
	return c, c.Ready(ctx)
}

// plan says what there is to start, in the order in which that is done.
func (c *Cluster) plan(o Options) error {
	var failed []error
	address := func() string {
		a, _, err := free("tcp")
		failed = append(failed, err)
		return a
	}
	port := func(a string) string { _, p, _ := net.SplitHostPort(a); return p }
	c.NATS, c.Redis, c.Monitor = address(), address(), address()
	c.all = append(c.all,
		&Process{Name: "nats", Service: "nats", program: "nats-server", args: []string{"-a", "127.0.0.1", "-p", port(c.NATS), "-m", port(c.Monitor)}},
		&Process{Name: "redis", Service: "redis", program: "redis-server", args: []string{"--bind", "127.0.0.1", "--port", port(c.Redis), "--save", "", "--appendonly", "no"}})
	add := func(name, service string, more []string, args ...string) *Process {
		p := &Process{Name: name, Service: service, Ops: address(), program: filepath.Join(o.Programs, service)}
		p.args = slices.Concat(args, []string{"--ops-listen", p.Ops, "--nats-url", "nats://" + c.NATS}, more)
		c.Services, c.all = append(c.Services, p), append(c.all, p)
		return p
	}
	for i := range 2 {
		add(fmt.Sprint("roomstate-", i), "roomstate", o.Roomstate, "--redis-url", "redis://"+c.Redis, "--session-rooms", "0")
	}
	for i := range o.Nodes {
		_, udp, err := free("udp")
		failed = append(failed, err)
		name, more := fmt.Sprint("media-", i), o.Media
		if i == 0 {
			more = slices.Concat(more, o.FirstMedia)
		}
		c.Nodes = append(c.Nodes, add(name, "media", more, "--name", name, "--grpc-listen", address(), "--udp-port", udp, "--no-tcp",
			"--advertise", "127.0.0.1", "--workers", "1"))
	}
	for i := range 2 {
		listen, name := address(), fmt.Sprint("edge-", i)
		p := add(name, "signaling", o.Signaling, "--name", name, "--listen", listen, "--http-listen", "", "--admin-listen", "", "--admin-http-listen", "")
		p.URL = "ws://" + listen + "/"
		c.Edges = append(c.Edges, p)
	}
	return errors.Join(failed...)
}

// End ends all processes.
func (c *Cluster) End() {
	for _, p := range slices.Backward(c.all) {
		p.end()
	}
}

// Each is every process, NATS and Redis too.
func (c *Cluster) Each() []*Process { return c.all }

// Ready waits until all services are.
func (c *Cluster) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, p := range c.Services {
		for {
			resp, err := http.Get("http://" + p.Ops + "/readyz")
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
			}
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return fmt.Errorf("%s does not become ready: %w", p.Name, err)
			}
		}
	}
	return nil
}

// PIDs are those of the processes that run now, by name.
func (c *Cluster) PIDs() map[string]int {
	pids := map[string]int{}
	for _, p := range c.all {
		if pid := p.PID(); pid != 0 {
			pids[p.Name] = pid
		}
	}
	return pids
}

// pause waits, and fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
