package media

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/ops"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// metrics are read when they are asked for.
func (s *service) metrics() prometheus.Gatherer {
	r := ops.NewRegistry()
	r.MustRegister(&collector{service: s})
	return r
}

type collector struct{ service *service }

var (
	peersDesc         = describe("peers", "PeerConnections.")
	packetsDesc       = describe("packets_total", "Datagrams received, and packets of media sent.", "direction")
	bytesDesc         = describe("bytes_total", "Bytes of them, without UDP headers.", "direction")
	sendCallsDesc     = describe("send_calls_total", "System calls that sent packets of media.")
	dropsDesc         = describe("drops_total", "Packets not passed on.", "reason")
	retransmittedDesc = describe("retransmitted_total", "Packets sent again to subscribers.")
	eventsDroppedDesc = describe("events_dropped_total", "Events that roomstate did not take in time.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("cardea_media_"+name, help, labels, nil)
}

// Describe is of prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect is of prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	s := c.service
	ch <- prometheus.MustNewConstMetric(peersDesc, prometheus.GaugeValue, float64(s.node.Peers()))
	counters := s.worker.Counters()
	count(packetsDesc, counters.PacketsIn, "in")
	count(packetsDesc, counters.PacketsOut, "out")
	count(bytesDesc, counters.BytesIn, "in")
	count(bytesDesc, counters.BytesOut, "out")
	count(sendCallsDesc, counters.SendCalls)
	for reason, n := range counters.Drops {
		count(dropsDesc, n, transport.Drop(reason).String())
	}
	count(retransmittedDesc, s.node.Retransmitted())
	count(eventsDroppedDesc, s.events.Dropped())
}
