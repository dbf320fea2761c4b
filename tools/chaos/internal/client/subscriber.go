package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/endpoint"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// still is how long a stream may bring nothing while all is well.
const still = 500 * time.Millisecond

// Subscriber is one that receives feeds of a room.
type Subscriber struct {
	*session
	flows int
	media *endpoint.Subscriber
}

// Subscribe joins a room by an edge, for feeds, and returns when all their streams come.
func (c *Cluster) Subscribe(ctx context.Context, name string, edge int, room uint64, feeds []uint64) (*Subscriber, error) {
	media, err := endpoint.NewSubscriber(c.Certificate)
	if err != nil {
		return nil, err
	}
	s := &Subscriber{media: media, flows: 2 * len(feeds)}
	if s.session, err = open(ctx, c.Log, name, c.URLs, edge, func(m janus.Message) {
		if value := candidate(m); value != "" {
			s.trickle(media.Trickle, value)
		}
	}); err != nil {
		media.Close()
		return nil, err
	}
	if err := s.begin(ctx, room, feeds); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func (s *Subscriber) begin(ctx context.Context, room uint64, feeds []uint64) error {
	var wanted []janus.Object
	for _, f := range feeds {
		wanted = append(wanted, janus.Object{"feed": f})
	}
	offer, err := s.message(ctx, janus.Object{"request": "join", "ptype": "subscriber", "room": room, "streams": wanted}, nil)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if offer.JSEP == nil {
		return errors.New("join: no offer")
	}
	answer, err := s.media.Offered(ctx, offer.JSEP.SDP)
	if err != nil {
		return err
	}
	if _, err := s.message(ctx, janus.Object{"request": "start"}, &janus.JSEP{Type: "answer", SDP: answer}); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if err := s.media.Await(ctx, s.flows); err != nil {
		return err
	}
	s.Reset() // the offer was meant
	return nil
}

// Reset is of Client.
func (s *Subscriber) Reset() { s.session.Reset(); s.media.Reset() }

// Seen is of Client.
func (s *Subscriber) Seen() Sight {
	seen, m := s.session.Seen(), s.media.Seen()
	seen.Sound, seen.Pictures = m.Sound, m.Pictures
	seen.Reused, seen.Repeated, seen.Foreign, seen.Moves = m.Reused, m.Repeated, m.Foreign, m.Nodes
	seen.Notes = m.Notes
	return seen
}

// Well is of Client.
func (s *Subscriber) Well() error {
	if err := s.session.Well(); err != nil {
		return err
	}
	if m := s.media.Seen(); m.Waiting > still {
		return fmt.Errorf("a stream brings nothing for %v", m.Waiting.Round(100*time.Millisecond))
	}
	return nil
}

// Close is of Client.
func (s *Subscriber) Close() { s.session.Close(); s.media.Close() }
