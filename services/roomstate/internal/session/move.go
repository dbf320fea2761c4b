package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// move has the plugin have the handle's peer go on with another node. Its endpoint did not ask for it, so the session's timer
// runs on.
func (s *Service) move(ctx context.Context, r *request) (*busv1.Reply, error) {
	if r.entered.Handle.Room == "" {
		return nil, fault.Newf(fault.WrongState, "Handle has no PeerConnection")
	}
	if _, ok := s.Plugins[r.entered.Handle.Plugin].(plugin.Moving); !ok {
		return nil, fault.Newf(fault.WrongState, "PeerConnections of %s cannot be moved", r.entered.Handle.Plugin)
	}
	return s.Rooms.Decide(ctx, s.command(r), r.entered.Handle.Room)
}
