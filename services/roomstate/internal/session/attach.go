package session

import (
	"context"
	"errors"
	"slices"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/eventhandler"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

func (s *Service) attach(ctx context.Context, r *request) (*busv1.Reply, error) {
	name := r.GetAttach().GetPlugin()
	if _, ok := s.Plugins[name]; !ok {
		return nil, fault.Newf(fault.PluginNotFound, "No such plugin '%s'", name)
	}
	if a := r.GetAttach(); a.GetRestricted() && !slices.Contains(a.GetAllowedPlugins(), name) {
		return nil, fault.Newf(fault.PluginForbidden, "Provided token can't access plugin '%s'", name)
	}
	answer, err := remembered(r.Command)
	if err != nil {
		return nil, err
	}
	h := plugin.Handle{
		ID:       plugin.HandleID{Session: r.GetSessionId(), Handle: r.GetAttach().GetNewHandleId()},
		Plugin:   name,
		OpaqueID: r.GetAttach().GetOpaqueId(),
		Token:    r.GetAttach().GetToken(),
		Created:  r.now.UnixMilli(),
		Rights:   plugin.RightsOf(r.GetAttach().GetRights()),
	}
	err = s.Store.Attach(ctx, r.Command, h, s.Limits.Handles, answer)
	switch {
	case errors.Is(err, store.ErrFull):
		s.meets(plugin.Handles)
		return nil, fault.Newf(fault.AttachRefused, "Too many handles in this session (at most %d)", s.Limits.Handles)
	case errors.Is(err, store.ErrTaken):
		return nil, fault.New(fault.TooBusy, err) // the edge rolls another
	case err != nil:
		return nil, err
	}
	s.Events.Emit(eventhandler.Attached(&h))
	reply := done(r.Command)
	reply.LastEvent = r.entered.LastEvent
	return reply, nil
}
