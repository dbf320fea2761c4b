package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	processes "github.com/cardea-rtc/cardea/tools/internal/cluster"
)

// key names one series: whose, and what.
type key struct{ of, what string }

// sample is all that was measured at one time.
type sample struct {
	at     time.Time
	values map[key]float64
}

// ofProcess are the metrics that are looked at, by what they are called here.
var ofProcess = map[string]string{
	"go_goroutines": "goroutines", "process_open_fds": "descriptors", "process_resident_memory_bytes": "memory",
}

const sampleTimeout = 5 * time.Second

// sample measures everything once.
func (c *cluster) sample(ctx context.Context) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	s := sample{time.Now(), map[key]float64{}}
	for _, p := range c.Services {
		metrics, err := p.Metrics(ctx)
		if err != nil {
			return s, err
		}
		for name, what := range ofProcess {
			s.values[key{p.Name, what}] = metrics[name]
		}
	}
	body, err := processes.Get(ctx, "http://"+c.Monitor+"/varz")
	if err != nil {
		return s, err
	}
	var nats struct {
		Connections   float64 `json:"connections"`
		Subscriptions float64 `json:"subscriptions"`
		Mem           float64 `json:"mem"`
	}
	if err := json.Unmarshal([]byte(body), &nats); err != nil {
		return s, fmt.Errorf("NATS's monitoring: %w", err)
	}
	s.values[key{"nats", "connections"}], s.values[key{"nats", "subscriptions"}] = nats.Connections, nats.Subscriptions
	return s, c.sampleRedis(ctx, s)
}

// sampleRedis asks by inline commands, which need no client.
func (c *cluster) sampleRedis(ctx context.Context, s sample) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.Redis)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if _, err := io.WriteString(conn, "DBSIZE\r\nINFO memory\r\nQUIT\r\n"); err != nil {
		return err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		line := lines.Text()
		if keys, ok := strings.CutPrefix(line, ":"); ok {
			s.values[key{"redis", "keys"}], err = strconv.ParseFloat(keys, 64)
		} else if bytes, ok := strings.CutPrefix(line, "used_memory:"); ok {
			s.values[key{"redis", "memory"}], err = strconv.ParseFloat(bytes, 64)
		}
		if err != nil {
			return fmt.Errorf("redis: %w", err)
		}
	}
	return lines.Err()
}

// quiet waits until a sample is good, or without good until none differs much from the one before; not longer than atMost. It
// returns the last.
func (c *cluster) quiet(ctx context.Context, atMost time.Duration, good func(sample) bool) (sample, error) {
	if err := c.Ready(ctx); err != nil {
		return sample{}, err
	}
	var last sample
	for deadline := time.Now().Add(atMost); ; {
		if err := pause(ctx, 5*time.Second); err != nil {
			return last, err
		}
		now, err := c.sample(ctx)
		if err != nil && time.Now().After(deadline) {
			return now, err
		} else if err != nil {
			continue
		}
		if good != nil && good(now) || good == nil && last.values != nil && still(last, now) || time.Now().After(deadline) {
			return now, nil
		}
		last = now
	}
}

// still tells whether sessions have ended that had to time out: what they had in Redis and NATS is gone.
func still(a, b sample) bool {
	for _, k := range []key{{"redis", "keys"}, {"nats", "subscriptions"}} {
		if a.values[k] != b.values[k] {
			return false
		}
	}
	return true
}
