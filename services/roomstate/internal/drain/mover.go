package drain

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Requester sends a command to a subject until it is answered.
type Requester interface {
	Do(ctx context.Context, subject string, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error)
}

// Move begins to move a handle's peer, from a node unless that is empty, to a node or, if that is empty, to any. The error
// carries a fault.Reason: WrongState, with words, if the peer has to stay where it is.
func Move(ctx context.Context, requests Requester, h plugin.HandleID, from, to string) error {
	_, err := requests.Do(ctx, bus.Commands, &busv1.Command{
		Id: bus.NewCommandID(), SessionId: h.Session, HandleId: h.Handle,
		Verb: &busv1.Command_Move{Move: &busv1.Move{From: from, To: to}},
	}, nil)
	return err
}
