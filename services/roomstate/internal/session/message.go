package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// message has a plugin decide. Without a jsep nothing of the core's can fail any more, so an asynchronous one is
// accepted at once; an SDP has to be read first.
func (s *Service) message(ctx context.Context, r *request) (*busv1.Reply, error) {
	if size := len(r.GetMessage().GetBody()); s.Limits.Body > 0 && size > s.Limits.Body {
		s.meets(plugin.Body)
		return nil, fault.Newf(fault.MessageRefused, "Message body too large (%d bytes, at most %d)", size, s.Limits.Body)
	}
	plug, ok := s.Plugins[r.entered.Handle.Plugin]
	if !ok {
		return nil, fault.Newf(fault.MessageRefused, "No plugin to handle this message")
	}
	cmd := s.command(r)
	route := plug.Route(cmd)
	if route.Async && r.GetMessage().GetJsep() == nil {
		r.accepted(r.entered.Handle.Plugin)
	}
	return s.Rooms.Decide(ctx, cmd, route.Room)
}
