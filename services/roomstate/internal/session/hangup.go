package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// hangup has the plugin end the PeerConnection. A handle that is in no room has none.
func (s *Service) hangup(ctx context.Context, r *request) (*busv1.Reply, error) {
	if r.entered.Handle.Room == "" {
		return s.touch(ctx, r)
	}
	return s.Rooms.Decide(ctx, s.command(r), r.entered.Handle.Room)
}
