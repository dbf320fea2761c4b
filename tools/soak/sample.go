package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
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
	for _, p := range c.services {
		body, err := get(ctx, "http://"+p.ops+"/metrics")
		if err != nil {
			return s, err
		}
		for line := range strings.Lines(body) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && ofProcess[name] != "" {
				if s.values[key{p.name, ofProcess[name]}], err = strconv.ParseFloat(value, 64); err != nil {
					return s, fmt.Errorf("%s of %s: %w", name, p.name, err)
				}
			}
		}
	}
	body, err := get(ctx, "http://"+c.monitor+"/varz")
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
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.redis)
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

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// quiet waits until a sample is good, or without good until none differs much from the one before; not longer than atMost. It
// returns the last.
func (c *cluster) quiet(ctx context.Context, atMost time.Duration, good func(sample) bool) (sample, error) {
	if err := c.ready(ctx); err != nil {
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
