package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// trickle is taken and not used: nodes are ICE-lite and learn an endpoint's addresses from its checks.
func (s *Service) trickle(ctx context.Context, r *request) (*busv1.Reply, error) {
	return s.touch(ctx, r)
}
