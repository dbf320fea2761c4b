package roomstate

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// pingTime is how long Redis may take to answer who asks for metrics.
const pingTime = time.Second

// showStores has metrics tell whether NATS and Redis are there.
func showStores(r prometheus.Registerer, connected func() bool, ping func(context.Context) error) {
	nats := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cardea_roomstate_nats_up", Help: "1 while this replica is connected to NATS, else 0.",
	}, func() float64 { return truth(connected()) })
	redis := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cardea_roomstate_redis_up", Help: "1 if Redis answers this replica, else 0.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), pingTime)
		defer cancel()
		return truth(ping(ctx) == nil)
	})
	r.MustRegister(nats, redis)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
