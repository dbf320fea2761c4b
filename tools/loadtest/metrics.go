package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sending is what a Cardea node has sent, by its own metrics.
type sending struct{ packets, calls float64 }

const (
	packetsMetric  = `cardea_media_packets_total{direction="out"}`
	callsMetric    = `cardea_media_send_calls_total`
	metricsTimeout = 5 * time.Second
)

// readSending asks a node.
func readSending(ctx context.Context, ops string) (sending, error) {
	ctx, cancel := context.WithTimeout(ctx, metricsTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ops+"/metrics", http.NoBody)
	if err != nil {
		return sending{}, fmt.Errorf("--ops: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return sending{}, fmt.Errorf("--ops: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	return parseSending(response.Body)
}

// parseSending reads Prometheus's text format.
func parseSending(r io.Reader) (sending, error) {
	var s sending
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, value, ok := cutLast(lines.Text())
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil:
		case name == packetsMetric:
			s.packets = n
		case name == callsMetric:
			s.calls = n
		}
	}
	if err := lines.Err(); err != nil {
		return sending{}, fmt.Errorf("--ops: %w", err)
	}
	return s, nil
}

func cutLast(line string) (name, value string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// packetsPerCall is of the time between two looks, 0 if nothing was sent.
func packetsPerCall(from, to sending) float64 {
	if to.calls <= from.calls {
		return 0
	}
	return (to.packets - from.packets) / (to.calls - from.calls)
}
