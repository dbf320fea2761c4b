package session

import (
	"context"
	"errors"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// busyAgain is when a claim is tried again that met a long poll which is being answered.
const busyAgain = 20 * time.Millisecond

// claim makes the socket the session's owner and returns the events that its last owner was not given.
func (s *Service) claim(ctx context.Context, r *request) (*busv1.Reply, error) {
	claimed, err := s.Store.Claim(ctx, r.Command, s.Timeouts, r.now)
	for errors.Is(err, store.ErrBusy) {
		select {
		case <-time.After(busyAgain):
			claimed, err = s.Store.Claim(ctx, r.Command, s.Timeouts, time.Now())
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	if claimed.Moved != nil {
		s.Publish(claimed.Moved)
	}
	return &busv1.Reply{
		CommandId: r.GetId(),
		LastEvent: claimed.LastEvent,
		Outcome:   &busv1.Reply_Done{Done: &busv1.Done{Missed: claimed.Missed}},
	}, nil
}
