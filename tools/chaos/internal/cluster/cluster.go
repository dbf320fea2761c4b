package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/browser"
)

// Settings are how a cluster is run.
type Settings struct {
	Network  Network
	Programs string // folder of the services' programs
	Dir      string // for Redis's files and a secret
	Logs     string // folder
	NATS     int    // servers of a NATS cluster, 1 or 3
	Sentinel bool   // Redis is three, which fail over, instead of one
}

// Cluster is all services, with what they need.
type Cluster struct {
	Network
	NATS      []*Process
	Redis     []*Process
	Sentinels []*Process
	Replicas  []*Process // of roomstate
	Edges     []*Process
	Nodes     []*Process
	URLs      []string // of the edges, WebSocket
	Admin     *Admin
}

// secret is what the Admin API asks for: its listeners are not on loopback here.
const secret = "chaos"

const (
	restartPause = 2 * time.Second // until a process is started again, about what container engines take
	startTimeout = 30 * time.Second
)

// Start runs a cluster, and returns when it is ready.
func Start(ctx context.Context, s Settings) (c *Cluster, err error) {
	c = &Cluster{Network: s.Network}
	defer func() {
		if err != nil {
			c.End()
		}
	}()
	secretFile := filepath.Join(s.Dir, "secret")
	if err := os.WriteFile(secretFile, []byte(secret+"\n"), 0o600); err != nil {
		return c, err
	}
	process := func(host, program, ops string, args ...string) *Process {
		p := &Process{Name: host, in: c.host(host), pause: restartPause, program: program, args: args}
		if ops != "" {
			p.ops = fmt.Sprintf("%s:%s", Address(host), ops)
			p.program = filepath.Join(s.Programs, program)
			p.args = append(p.args, "--ops-listen", p.ops, "--log-level", "debug")
		}
		return p
	}
	var natsURLs []string
	for i := range s.NATS {
		natsURLs = append(natsURLs, fmt.Sprintf("nats://%s:4222", Address(fmt.Sprint("nats-", i))))
	}
	natsURL := strings.Join(natsURLs, ",")
	for i := range s.NATS {
		host := fmt.Sprint("nats-", i)
		args := []string{"-a", Address(host).String(), "-p", "4222", "--name", host}
		if s.NATS > 1 {
			args = append(args, "--cluster_name", "chaos", "--cluster", fmt.Sprintf("nats://%s:6222", Address(host)),
				"--routes", strings.ReplaceAll(natsURL, ":4222", ":6222"))
		}
		c.NATS = append(c.NATS, process(host, "nats-server", "", args...))
	}
	redisSettings, err := c.redis(s, process)
	if err != nil {
		return c, err
	}
	for i := range 2 {
		c.Replicas = append(c.Replicas, process(fmt.Sprint("roomstate-", i), "roomstate", "9091",
			append(redisSettings, "--nats-url", natsURL, "--demo-room")...))
	}
	for i := range 3 {
		host := fmt.Sprint("media-", i)
		workers := fmt.Sprint(min(i+1, 2)) // a feed that is at one worker or at several comes and goes by other ways
		c.Nodes = append(c.Nodes, process(host, "media", "9092", "--name", host, "--nats-url", natsURL,
			"--grpc-listen", fmt.Sprintf("%s:9000", Address(host)), "--grpc-insecure", "--workers", workers))
	}
	for i := range 2 {
		host := fmt.Sprint("edge-", i)
		c.Edges = append(c.Edges, process(host, "signaling", "9090", "--name", host, "--nats-url", natsURL,
			"--admin-http-listen", fmt.Sprintf("%s:7088", Address(host)), "--admin-listen", "", "--admin-secret-file", secretFile))
		c.URLs = append(c.URLs, fmt.Sprintf("ws://%s:8188/", Address(host)))
	}
	c.Admin = newAdmin()
	for _, p := range c.All() {
		if err := p.begin(s.Logs); err != nil {
			return c, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for c.Whole(ctx) != nil {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return c, fmt.Errorf("the cluster does not become ready: %w", c.Whole(context.Background()))
		}
	}
	return c, nil
}

// All are its processes.
func (c *Cluster) All() []*Process {
	return slices.Concat(c.Redis, c.Sentinels, c.NATS, c.Replicas, c.Nodes, c.Edges)
}

// Whole says what a cluster lacks, nil if nothing.
func (c *Cluster) Whole(ctx context.Context) error {
	for _, p := range c.All() {
		if err := p.Ready(ctx); err != nil {
			return err
		}
	}
	nodes, err := c.Admin.Nodes(ctx)
	if err != nil {
		return err
	}
	ready := 0
	for _, n := range nodes {
		if n.Takes && !n.Draining {
			ready++
		}
	}
	if ready != len(c.Nodes) {
		return fmt.Errorf("%d nodes take work", ready)
	}
	return nil
}

// Doors are the edges, for a balancer.
func (c *Cluster) Doors() (all []browser.Edge) {
	for _, e := range c.Edges {
		all = append(all, browser.Edge{Address: fmt.Sprintf("%s:8188", Address(e.Name)), Ready: "http://" + e.ops + "/readyz"})
	}
	return all
}

// Guarded says whether for each peer a value is kept, so that it may lose its node, nil if it is.
func (c *Cluster) Guarded(ctx context.Context) error {
	var peers, kept float64
	for _, n := range c.Nodes {
		m, err := n.metrics(ctx)
		if err != nil {
			return err
		}
		peers += m["cardea_media_peers"]
		kept += m["cardea_media_kept_peers"]
	}
	if peers != kept {
		return fmt.Errorf("%.0f of %.0f peers are kept by another node", kept, peers)
	}
	return nil
}

// End kills all.
func (c *Cluster) End() {
	for _, p := range c.All() {
		if p != nil {
			p.end()
		}
	}
}
