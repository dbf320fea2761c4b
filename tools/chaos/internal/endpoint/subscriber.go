package endpoint

import (
	"context"
	"fmt"
	"time"
)

// Subscriber receives feeds.
type Subscriber struct{ *transport }

// NewSubscriber opens one; Close ends it.
func NewSubscriber(certificate *Certificate) (*Subscriber, error) {
	t, err := newTransport(certificate, nil)
	return &Subscriber{t}, err
}

// Offered takes the server's offer, and returns the answer.
func (s *Subscriber) Offered(ctx context.Context, sdp string) (answer string, err error) {
	r, err := readSDP(sdp)
	if err != nil {
		return "", err
	}
	return r.answer(s.local, s.certificate.fingerprint), s.connect(ctx, r)
}

// Await returns when so many streams come.
func (s *Subscriber) Await(ctx context.Context, flows int) error {
	for s.Seen().Flows < flows {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d streams come: %w", s.Seen().Flows, flows, ctx.Err())
		}
	}
	return nil
}

// Seen is what came since the last Reset; a gap that lasts still is one.
func (s *Subscriber) Seen() Seen { return s.see(time.Now()) }

// Reset forgets what was seen, but no gap that lasts still.
func (s *Subscriber) Reset() { s.reset() }

// Close ends it.
func (s *Subscriber) Close() { s.close() }
