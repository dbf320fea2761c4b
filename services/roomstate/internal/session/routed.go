package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// DoRouted decides a command that another replica has looked up and passed on to the owner of its room.
func (s *Service) DoRouted(ctx context.Context, cmd *busv1.Command) (*busv1.Reply, error) {
	r := cmd.GetRouted()
	if r == nil {
		return nil, fault.New(fault.Internal, fmt.Errorf("command %s was not routed", cmd.GetId()))
	}
	h := plugin.Handle{
		ID:     plugin.HandleID{Session: cmd.GetSessionId(), Handle: cmd.GetHandleId()},
		Plugin: r.GetPlugin(), OpaqueID: r.GetOpaqueId(), Token: r.GetToken(), Created: r.GetCreated(), Rights: plugin.RightsOf(r.GetRights()),
	}
	if r.GetBound() {
		h.Room, h.Role = r.GetRoom(), r.GetRole()
	}
	reply, err := s.Rooms.Decide(ctx, plugin.Command{Command: cmd, Handle: h, Over: r.GetOver()}, r.GetRoom())
	if passed, ok := errors.AsType[*PassOnError](err); ok {
		// The lease has just run out. To pass the command on would bring it back here: its sender repeats it.
		return nil, fmt.Errorf("%w: lease on room %s was not renewed", store.ErrAway, passed.Room)
	}
	return s.outcome(ctx, reply, err, cmd)
}
