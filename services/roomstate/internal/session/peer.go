package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// peer passes on what a node says. It is no sign of life of the endpoint's, so the session's timer runs on.
func (s *Service) peer(ctx context.Context, r *request) (*busv1.Reply, error) {
	if r.entered.Handle.Room == "" {
		return done(r.Command), nil // late news of a handle that never had a peer we know of
	}
	cmd := s.command(r)
	if texting, ok := s.Plugins[cmd.Handle.Plugin].(plugin.Texting); ok && cmd.GetPeer().GetText() != nil {
		return s.Rooms.Decide(ctx, cmd, texting.RouteText(cmd))
	}
	return s.Rooms.Decide(ctx, cmd, r.entered.Handle.Room)
}

// handleless passes on what a node says of a peer that no handle has: another server's publisher.
func (s *Service) handleless(ctx context.Context, cmd *busv1.Command) (*busv1.Reply, error) {
	h, err := s.Store.Handleless(ctx, cmd.GetHandleId())
	if err != nil {
		return nil, err
	}
	return s.Rooms.Decide(ctx, plugin.Command{Command: cmd, Handle: h, Over: true}, h.Room)
}
