package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// lost starts the time in which a session may be claimed; without such a time it ends. The loss of a socket that is
// not the owner any more changes nothing. If it is the edge that goes, only what the socket was given is noted.
func (s *Service) lost(ctx context.Context, r *request) (*busv1.Reply, error) {
	byEdge := r.GetLost().GetByEdge()
	owner, err := s.Store.Lose(ctx, r.Command, !byEdge, s.Timeouts, r.now)
	if err != nil {
		return nil, err
	}
	if owner && !byEdge && s.Timeouts.Reclaim == 0 {
		ended, err := s.Store.End(ctx, store.End{Session: r.GetSessionId(), IfDue: &s.Timeouts}, r.now)
		if err != nil {
			return nil, err
		}
		if ended.Last != nil {
			s.over(ended)
		}
	}
	return done(r.Command), nil
}
