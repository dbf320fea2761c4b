package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/eventhandler"
)

// trickle is taken and not used: nodes are ICE-lite and learn an endpoint's addresses from its checks. Whether a malformed
// one matters depends on the PeerConnection, of which the plugin knows.
func (s *Service) trickle(ctx context.Context, r *request) (*busv1.Reply, error) {
	if !r.GetTrickle().GetMalformed() {
		eventhandler.Trickled(s.Events, &r.entered.Handle, r.GetTrickle())
	}
	if r.GetTrickle().GetMalformed() && r.entered.Handle.Room != "" {
		return s.Rooms.Decide(ctx, s.command(r), r.entered.Handle.Room)
	}
	return s.touch(ctx, r)
}
