package eventhandler

import (
	"context"
	"log/slog"
	"time"

	"github.com/cardea-rtc/cardea/proto/events"
)

// CensusEvery is how often event handlers are told how much there is, as at Janus.
const CensusEvery = 15 * time.Second

// Census tells event handlers at intervals how many sessions, handles and PeerConnections the cluster has: one replica does,
// the one that holds the first shard.
type Census struct {
	Events *events.Emitter
	Holds  func(shard int) bool
	Store  interface {
		Census(ctx context.Context) (sessions, handles int, err error)
	}
	Nodes interface {
		Census() (peers int, statsPeriod uint32)
	}
	Every time.Duration
	Log   *slog.Logger
}

// Run tells until ctx ends.
func (c *Census) Run(ctx context.Context) {
	ticker := time.NewTicker(c.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if c.Events.Wants(events.Core) && c.Holds(0) {
			c.tell(ctx)
		}
	}
}

func (c *Census) tell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.Every)
	defer cancel()
	sessions, handles, err := c.Store.Census(ctx)
	if err != nil {
		c.Log.Debug("sessions not counted", "err", err) // the store reports its own troubles
		return
	}
	peers, period := c.Nodes.Census()
	c.Events.Emit(events.Event{Type: events.Core, Subtype: events.Startup, Event: events.Object{
		"status": "update", "info": events.Object{"sessions": sessions, "handles": handles, "peerconnections": peers, "stats-period": period},
	}})
}
