package admin

import (
	"context"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// exists fails if the session, or the handle where there is one, is not there.
func (s *Service) exists(ctx context.Context, r *request) (members, error) {
	session, err := s.Store.Session(ctx, r.session)
	if err != nil {
		return nil, err
	}
	if _, ok := session.Handles[r.handle]; r.handle != 0 && !ok {
		return nil, store.ErrNoHandle
	}
	return members{}, nil
}

// loops lists none: there are no event loops to choose from.
func (s *Service) loops(context.Context, *request) (members, error) {
	return members{"loops": []any{}}, nil
}

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
