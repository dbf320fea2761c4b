package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// detach ends a handle, in its room if it is in one.
func (s *Service) detach(ctx context.Context, r *request) (*busv1.Reply, error) {
	return s.Rooms.Decide(ctx, s.command(r), r.entered.Handle.Room)
}
