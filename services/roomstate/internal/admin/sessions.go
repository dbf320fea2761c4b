package admin

import (
	"context"
	"slices"
)

func (s *Service) listSessions(ctx context.Context, _ *request) (members, error) {
	ids, err := s.Store.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	return members{"sessions": ids}, nil
}

func (s *Service) listHandles(ctx context.Context, r *request) (members, error) {
	session, err := s.Store.Session(ctx, r.session)
	if err != nil {
		return nil, err
	}
	ids := []uint64{}
	for id := range session.Handles {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return members{"handles": ids}, nil
}
