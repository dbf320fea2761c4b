package edge

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

// Metrics counts what an edge does.
type Metrics struct {
	Sessions   prometheus.Gauge
	Resumes    prometheus.Counter
	EventsLost prometheus.Counter
	Polls      prometheus.Gauge
	polls      *prometheus.CounterVec
	requests   *prometheus.HistogramVec
	errors     *prometheus.CounterVec
}

// NewMetrics registers an edge's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		Sessions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cardea_edge_sessions", Help: "Sessions whose socket is on this edge.",
		}),
		Resumes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cardea_edge_resumes_total", Help: "Times that events had to be fetched, since they did not come.",
		}),
		EventsLost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cardea_edge_events_lost_total", Help: "Events that were no longer in a session's log when fetched.",
		}),
		Polls: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cardea_edge_polls", Help: "Long polls that wait on this edge.",
		}),
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cardea_edge_polls_total", Help: "Long polls, by how they ended: events, keepalive, surplus, abandoned, unwritten, failed, over.",
		}, []string{"end"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cardea_edge_request_seconds", Help: "Time from a request's turn to its final answer.",
			Buckets: prometheus.ExponentialBuckets(0.001, 3, 9),
		}, []string{"request", "reason"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cardea_edge_errors_total", Help: "Error responses, by Janus's code.",
		}, []string{"code"}),
	}
	r.MustRegister(m.Sessions, m.Resumes, m.EventsLost, m.Polls, m.polls, m.requests, m.errors)
	return m
}

// answered counts a request; names that endpoints make up are one label.
func (m *Metrics) answered(request string, err error, took time.Duration) {
	m.requests.WithLabelValues(janus.KnownName(request), string(fault.Of(err))).Observe(took.Seconds())
}

func (m *Metrics) refused(code janus.Code) {
	m.errors.WithLabelValues(strconv.Itoa(int(code))).Inc()
}
