package roomstate

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/ops"
)

// pingTime is how long Redis may take to answer who asks for metrics.
const pingTime = time.Second

// showStores has metrics tell whether NATS and Redis are there.
func showStores(r prometheus.Registerer, connected func() bool, ping func(context.Context) error) {
	ops.ShowUp(r, "cardea_roomstate_nats_up", "1 while this replica is connected to NATS, else 0.", connected)
	ops.ShowUp(r, "cardea_roomstate_redis_up", "1 if Redis answers this replica, else 0.", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), pingTime)
		defer cancel()
		return ping(ctx) == nil
	})
}
