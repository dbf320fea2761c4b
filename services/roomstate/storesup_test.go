package roomstate

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetricsTellWhetherStoresAreThere(t *testing.T) {
	connected, answer := true, error(nil)
	r := prometheus.NewRegistry()
	showStores(r, func() bool { return connected }, func(context.Context) error { return answer })
	for _, c := range []struct {
		connected   bool
		answer      error
		nats, redis float64
	}{{true, nil, 1, 1}, {false, nil, 0, 1}, {true, errors.New("away"), 1, 0}} {
		connected, answer = c.connected, c.answer
		families, err := r.Gather()
		if err != nil || len(families) != 2 {
			t.Fatal(families, err)
		}
		for i, want := range []float64{c.nats, c.redis} { // in the order of their names
			if got := families[i].GetMetric()[0].GetGauge().GetValue(); got != want {
				t.Errorf("%+v: %s is %v", c, families[i].GetName(), got)
			}
		}
	}
}
