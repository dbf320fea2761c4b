package roomstate

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/admin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// tellNodes tells all nodes what administrators have set for them. They go by their own settings for the rest.
func tellNodes(ctx context.Context, st *store.Store, nc *nats.Conn) error {
	set, err := st.Settings(ctx)
	if err != nil {
		return err
	}
	timer, threshold := admin.MediaSettings(set)
	return bus.Publish(nc, bus.MediaSettings, &busv1.MediaSettings{NoMediaTimerS: timer, SlowLinkThreshold: threshold})
}
