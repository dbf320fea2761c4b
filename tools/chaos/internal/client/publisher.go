package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/endpoint"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// Publisher is one that sends into a room.
type Publisher struct {
	*session
	Feed  uint64
	media *endpoint.Publisher
}

// Cluster is where clients are to go.
type Cluster struct {
	URLs        []string // of the edges, WebSocket
	Certificate *endpoint.Certificate
	Log         *slog.Logger
}

// Publish joins a room by an edge, and sends.
func (c *Cluster) Publish(ctx context.Context, name string, edge int, room uint64) (*Publisher, error) {
	media, err := endpoint.NewPublisher(c.Certificate)
	if err != nil {
		return nil, err
	}
	p := &Publisher{media: media}
	up := make(chan struct{})
	var once sync.Once
	if p.session, err = open(ctx, c.Log, name, c.URLs, edge, func(m janus.Message) {
		if m.Janus == "webrtcup" {
			once.Do(func() { close(up) })
		}
		if value := candidate(m); value != "" {
			p.trickle(media.Trickle, value)
		}
	}); err != nil {
		media.Close()
		return nil, err
	}
	if err := p.begin(ctx, room); err != nil {
		p.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	select { // from now on others may subscribe
	case <-up:
		return p, nil
	case <-ctx.Done():
		p.Close()
		return nil, fmt.Errorf("%s: webrtcup: %w", name, ctx.Err())
	}
}

func (p *Publisher) begin(ctx context.Context, room uint64) error {
	joined, err := p.message(ctx, janus.Object{"request": "join", "ptype": "publisher", "room": room, "display": p.name}, nil)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	var data struct{ ID uint64 }
	if err := json.Unmarshal(joined.Plugin.Data, &data); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	p.Feed = data.ID
	answer, err := p.message(ctx, janus.Object{"request": "publish"}, &janus.JSEP{Type: "offer", SDP: p.media.Offer()})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if answer.JSEP == nil {
		return errors.New("publish: no answer")
	}
	return p.media.Answered(ctx, answer.JSEP.SDP)
}

// trickle gives a candidate on; those that media cannot use are of no concern.
func (s *session) trickle(take func(string) error, value string) {
	if err := take(value); err != nil {
		s.log.Debug("candidate", "err", err)
	}
}

// Reset is of Client.
func (p *Publisher) Reset() { p.session.Reset(); p.media.Reset() }

// Seen is of Client. A publisher sees no gaps.
func (p *Publisher) Seen() Sight {
	s, m := p.session.Seen(), p.media.Seen()
	s.Reused, s.Repeated, s.Foreign, s.Moves = m.Reused, m.Repeated, m.Foreign, m.Nodes
	s.Notes = m.Notes
	return s
}

// Close is of Client.
func (p *Publisher) Close() { p.session.Close(); p.media.Close() }
