package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// peer passes on what a node says. It is no sign of life of the endpoint's, so the session's timer runs on.
func (s *Service) peer(ctx context.Context, r *request) (*busv1.Reply, error) {
	if r.entered.Handle.Room == "" {
		return done(r.Command), nil // late news of a handle that never had a peer we know of
	}
	return s.Rooms.Decide(ctx, s.command(r), r.entered.Handle.Room)
}
