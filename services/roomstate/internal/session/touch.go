package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// touch has done all it does by being looked up.
func (s *Service) touch(_ context.Context, r *request) (*busv1.Reply, error) {
	reply := done(r.Command)
	reply.LastEvent = r.entered.LastEvent
	return reply, nil
}
