package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// claim makes the socket the session's owner and returns the events that its last owner was not given.
func (s *Service) claim(ctx context.Context, r *request) (*busv1.Reply, error) {
	claimed, err := s.Store.Claim(ctx, r.Command, s.Timeouts, r.now)
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
