package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/internal/procfs"
	"github.com/cardea-rtc/cardea/tools/internal/report"
)

// measured is what one run found.
type measured struct {
	micros    float64 // CPU of both nodes, for each packet that was delivered
	first     float64 // CPU of the publishers' node, percent of a core
	p50, p99  float64 // delay, ms
	delivered float64 // share
}

func (m measured) String() string {
	return fmt.Sprintf("%.2f µs a packet, first node %.1f %%, p50 %.2f ms, p99 %.2f ms, %.3f %% delivered", m.micros, m.first, m.p50, m.p99, 100*m.delivered)
}

// seats is how many peers the first node may have, so that it takes these publishers, and is too full for anybody else: work goes
// to another node where more than four fifths of a node are taken.
func seats(publishers int) int { return max(2, (publishers*5+3)/4) }

// measure puts a cluster of two nodes under load. The second starts when all publish at the first.
func measure(ctx context.Context, cfg *config, s scenario, far bool) (m measured, err error) {
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	publishers := s.rooms * s.publishers
	options := cluster.Options{Programs: cfg.Programs, Logs: dir, Nodes: 2, Media: []string{"--log-level", "warn"}}
	if far {
		options.FirstMedia = []string{"--max-peers", strconv.Itoa(seats(publishers))}
	}
	c, err := cluster.Start(ctx, options)
	if err != nil {
		return m, err
	}
	defer c.End()
	first, second := c.Nodes[0], c.Nodes[1]
	second.Stop(syscall.SIGTERM)

	file := filepath.Join(dir, "report.json")
	args := []string{
		filepath.Join(cfg.Programs, "loadtest"), "--url", c.Edges[0].URL, "--json", file, "--duration", cfg.Duration.String(),
		"--joins-per-second", "50", "--rooms", strconv.Itoa(s.rooms), "--publishers", strconv.Itoa(s.publishers),
		"--subscribers", strconv.Itoa(s.subscribers),
	}
	if cfg.LoadCore >= 0 {
		args = append([]string{"taskset", "-c", strconv.Itoa(cfg.LoadCore)}, args...)
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Duration+2*time.Minute)
	defer cancel()
	load := exec.CommandContext(ctx, args[0], args[1:]...)
	var out strings.Builder
	load.Stdout, load.Stderr = &out, &out
	if err := load.Start(); err != nil {
		return m, err
	}
	ended := make(chan error, 1)
	go func() { ended <- load.Wait() }()
	steady, err := watch(ctx, first, second, publishers, s.rooms*s.subscribers, ended)
	if err != nil {
		cancel()
		return m, fmt.Errorf("%w; the load said: %s", err, tail(out.String()))
	}
	r, err := report.ReadFile(file)
	if err != nil {
		return m, err
	}
	if r.Failed+r.Dropped > 0 {
		return m, fmt.Errorf("%d subscribers got no media, and %d endpoints were given up: %s", r.Failed, r.Dropped, r.Problem)
	}
	return judge(steady, publishers, far, r)
}

// look is what the nodes had used at one moment, while all media flowed.
type look struct {
	at            time.Time
	first, second time.Duration // CPU
	elsewhere     float64       // peers at the second node
	relays        float64       // feeds that it has from the first
}

// watch starts the second node when all publish at the first, and looks at both each second until the load has ended.
func watch(ctx context.Context, first, second *cluster.Process, publishers, subscribers int, ended <-chan error) (steady []look, err error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for started := false; ; {
		select {
		case err := <-ended:
			return steady, err
		case <-tick.C:
		}
		here, err := first.Metrics(ctx)
		if err != nil {
			return nil, err
		}
		if !started {
			if started = here["cardea_media_peers"] >= float64(publishers); started {
				err = second.Start()
			}
			if err != nil {
				return nil, err
			}
			continue
		}
		there, err := second.Metrics(ctx)
		if err != nil || here["cardea_media_peers"]+there["cardea_media_peers"] < float64(publishers+subscribers) {
			continue // it has just been started, or not all have joined
		}
		l := look{at: time.Now(), elsewhere: there["cardea_media_peers"], relays: there[`cardea_media_relays{direction="in"}`]}
		for p, into := range map[*cluster.Process]*time.Duration{first: &l.first, second: &l.second} {
			used, err := procfs.Read(p.PID())
			if err != nil {
				return nil, err
			}
			*into = used.CPU
		}
		steady = append(steady, l)
	}
}

// judge sums a run up, leaving out its first and last seconds, unless it was not what it should have been.
func judge(steady []look, publishers int, far bool, r *report.Report) (m measured, err error) {
	if len(steady) < 5 {
		return m, fmt.Errorf("all media flowed for %d s alone", len(steady))
	}
	steady = steady[1 : len(steady)-1]
	for _, l := range steady {
		switch {
		case far && (l.relays != float64(publishers) || l.elsewhere != float64(r.Subscribers)):
			return m, fmt.Errorf("the second node had %.0f of %d feeds, and %.0f of %d subscribers", l.relays, publishers, l.elsewhere, r.Subscribers)
		case !far && l.elsewhere+l.relays != 0:
			return m, fmt.Errorf("the second node had %.0f peers", l.elsewhere)
		}
	}
	a, b := steady[0], steady[len(steady)-1]
	took := b.at.Sub(a.at).Seconds()
	here, there := (b.first-a.first).Seconds()/took, (b.second-a.second).Seconds()/took
	return measured{
		micros: (here + there) * 1e6 / r.PacketsPerSec, first: 100 * here,
		p50: r.Latency.P50, p99: r.Latency.P99, delivered: r.DeliveredShare,
	}, nil
}

// middle is the median of each figure.
func middle(all []measured) measured {
	of := func(figure func(measured) float64) float64 {
		var values []float64
		for _, m := range all {
			values = append(values, figure(m))
		}
		slices.Sort(values)
		n := len(values)
		return (values[(n-1)/2] + values[n/2]) / 2
	}
	return measured{
		micros: of(func(m measured) float64 { return m.micros }), first: of(func(m measured) float64 { return m.first }),
		p50: of(func(m measured) float64 { return m.p50 }), p99: of(func(m measured) float64 { return m.p99 }),
		delivered: of(func(m measured) float64 { return m.delivered }),
	}
}

func row(s scenario, local, relayed measured) string {
	return fmt.Sprintf("| %s | %.2f / %.2f | **%.2f** | %.1f / %.1f | **%.2f** | %.2f / %.2f ms | **%.2f ms** | %.2f / %.2f ms | %.3f / %.3f %% |\n", s.about(),
		local.micros, relayed.micros, relayed.micros/local.micros, local.first, relayed.first, relayed.first/local.first,
		local.p50, relayed.p50, relayed.p50-local.p50, local.p99, relayed.p99, 100*local.delivered, 100*relayed.delivered)
}

func tail(s string) string { return s[max(0, len(s)-1500):] }
