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

// sessionsPage is how many ids go into one message: half of what may, at 16 digits each.
const sessionsPage = 30_000

// listSessions lists all, or a page of those after one.
func (s *Service) listSessions(ctx context.Context, r *request) (members, error) {
	var p struct {
		After uint64 `json:"after"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	ids, err := s.Store.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	from, found := slices.BinarySearch(ids, p.After)
	if found {
		from++
	}
	ids = ids[from:]
	if len(ids) <= sessionsPage {
		return members{"sessions": ids}, nil
	}
	return members{"sessions": ids[:sessionsPage], "next": ids[sessionsPage-1]}, nil
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
