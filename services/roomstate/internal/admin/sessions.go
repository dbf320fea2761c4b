package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

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

// detailedPage is how many bytes of sessions with their handles go into one message, unless there is but one, and
// sessionsLooked how many sessions are looked into for it: each takes a question to the store.
const (
	detailedPage   = 400 << 10
	sessionsLooked = 2000
)

// listSessions lists the ids of all, or a page of those after one; with details, what there is to say of each.
func (s *Service) listSessions(ctx context.Context, r *request) (members, error) {
	var p struct {
		After   uint64 `json:"after"`
		Details bool   `json:"details"`
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
	if p.Details {
		return s.detailed(ctx, ids, r.now)
	}
	if len(ids) <= sessionsPage {
		return members{"sessions": ids}, nil
	}
	return members{"sessions": ids[:sessionsPage], "next": ids[sessionsPage-1]}, nil
}

// detailed is a page of what there is to say of sessions.
func (s *Service) detailed(ctx context.Context, ids []uint64, now time.Time) (members, error) {
	list := []members{}
	size := 0
	for i, id := range ids {
		if size > detailedPage || i == sessionsLooked {
			return members{"sessions": list, "next": ids[i-1]}, nil
		}
		session, err := s.Store.Session(ctx, id)
		if errors.Is(err, store.ErrNoSession) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		one := sessionDetails(id, &session, now)
		b, err := json.Marshal(one)
		if err != nil {
			return nil, fmt.Errorf("encode session %d: %w", id, err)
		}
		size += len(b)
		list = append(list, one)
	}
	return members{"sessions": list}, nil
}

func sessionDetails(id uint64, session *store.SessionRecord, now time.Time) members {
	handles := []members{}
	for _, h := range session.Handles {
		one := members{"handle_id": h.ID.Handle, "plugin": h.Plugin}
		for name, value := range map[string]string{"room": h.Room, "role": h.Role, "opaque_id": h.OpaqueID} {
			if value != "" {
				one[name] = value
			}
		}
		handles = append(handles, one)
	}
	slices.SortFunc(handles, func(a, b members) int { return cmp.Compare(a["handle_id"].(uint64), b["handle_id"].(uint64)) })
	return members{
		"session_id": id, "transport": transportOf(session), "age_s": int64(now.Sub(session.Created).Seconds()),
		"idle_s": int64(now.Sub(session.LastActivity).Seconds()), "handles": handles,
	}
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
