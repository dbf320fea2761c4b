package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// destroy ends a session without any event about its handles.
func (s *Service) destroy(ctx context.Context, r *request) (*busv1.Reply, error) {
	answer, err := remembered(r.Command)
	if err != nil {
		return nil, err
	}
	ended, err := s.Store.End(ctx, store.End{Session: r.GetSessionId(), Command: r.GetId(), Answer: answer}, r.now)
	if err != nil {
		return nil, err
	}
	s.over(ended)
	return done(r.Command), nil
}

// over lets the edge that has the session's socket, and nodes, know of its end.
func (s *Service) over(ended store.Ended) {
	s.Publish(ended.Last)
	s.Owe(ended.Tasks)
}
