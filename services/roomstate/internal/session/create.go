package session

import (
	"context"
	"errors"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/eventhandler"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// create makes a session. A clash is the endpoint's error if it chose the id; else the edge rolls another.
func (s *Service) create(ctx context.Context, r *request) (*busv1.Reply, error) {
	answer, err := remembered(r.Command)
	if err != nil {
		return nil, err
	}
	err = s.Store.Create(ctx, r.Command, s.Timeouts, s.Limits.Sessions, r.now, answer)
	switch {
	case errors.Is(err, store.ErrTaken):
		return nil, fault.New(fault.SessionIDInUse, err)
	case errors.Is(err, store.ErrNotAccepting):
		return nil, fault.New(fault.NotAccepting, err)
	case errors.Is(err, store.ErrFull):
		s.meets(plugin.Sessions)
		return nil, fault.Newf(fault.TooBusy, "Too many sessions")
	case err != nil:
		return nil, err
	}
	s.Events.Emit(eventhandler.Created(r.Command))
	return done(r.Command), nil
}
