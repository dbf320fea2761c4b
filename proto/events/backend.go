package events

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

const (
	// groupEvents and groupBytes bound what is posted together.
	groupEvents = 100
	groupBytes  = 1 << 20
	// answerBytes is how much of an answer is read, so that the connection can be used again.
	answerBytes = 64 << 10
	// longestBackoff bounds the wait between two tries.
	longestBackoff = 30 * time.Second
)

// backend posts events to an address.
type backend struct {
	emitter  *Emitter
	cfg      Config
	password string
	client   *http.Client
	warnings *rate.Limiter
}

func newBackend(e *Emitter, cfg Config) (*backend, error) {
	b := &backend{emitter: e, cfg: cfg, warnings: rate.NewLimiter(rate.Every(10*time.Second), 1)}
	var err error
	if b.password, err = cfg.password(); err != nil {
		return nil, err
	}
	b.client, err = cfg.client()
	return b, err
}

func (b *backend) run(ctx, farewell context.Context, q *queue) {
	defer b.client.CloseIdleConnections()
	most := groupEvents
	if !b.cfg.Grouping {
		most = 1
	}
	drain(ctx, farewell, q, most, groupBytes, func(batch [][]byte) { b.deliver(farewell, batch) })
}

// deliver posts a batch, repeatedly if it must. As at Janus, what comes after waits meanwhile: order is kept.
func (b *backend) deliver(ctx context.Context, batch [][]byte) {
	body := batch[0]
	if b.cfg.Grouping {
		body = array(batch)
	}
	backoff := b.cfg.Backoff
	for try := 0; ; try++ {
		again, err := b.post(ctx, body)
		if err == nil {
			b.emitter.delivered.WithLabelValues("http").Add(float64(len(batch)))
			return
		}
		if b.warnings.Allow() {
			b.emitter.log.Warn("events not posted", "events", len(batch), "try", try+1, "err", err)
		}
		switch {
		case !again:
			b.emitter.drop("http", refused, len(batch))
			return
		case try == b.cfg.Retries:
			b.emitter.drop("http", retries, len(batch))
			return
		}
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			b.emitter.drop("http", shutdown, len(batch))
			return
		}
		backoff = min(2*backoff, longestBackoff)
	}
}

// post returns why it failed, and whether it is worth another try.
func (b *backend) post(ctx context.Context, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.cfg.Backend, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	if b.cfg.User != "" {
		r.SetBasicAuth(b.cfg.User, b.password)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return true, err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, answerBytes)
	_ = resp.Body.Close()
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		return false, nil
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return true, fmt.Errorf("the backend answered %s", resp.Status)
	default:
		return false, fmt.Errorf("the backend answered %s", resp.Status)
	}
}

// array makes one JSON array of encoded events.
func array(batch [][]byte) []byte {
	b := []byte{'['}
	for i, event := range batch {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, event...)
	}
	return append(b, ']')
}
