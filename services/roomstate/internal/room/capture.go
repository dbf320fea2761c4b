package room

import (
	"context"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// capture has the node that has made peers for q capture them, where an administrator asked for it before there was one. The
// endpoint does not know of its peer yet, so no packet is missed. What fails is no reason for a call not to be.
func (k *Keeper) capture(ctx context.Context, q plugin.Question) {
	for _, p := range q.Makes() {
		if p.Handle.Session == 0 {
			continue // a remote publisher, which no administrator names
		}
		r, err := k.Store.TakeCapture(ctx, p.Handle)
		if err == nil && r == nil {
			continue
		}
		if err == nil {
			_, err = k.Nodes.Call(ctx, p.Node, r)
		}
		if err != nil {
			k.Log.Warn("capture not started", "session", p.Handle.Session, "handle", p.Handle.Handle, "node", p.Node, "err", err)
		}
	}
}
