package roomstate

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/fault"
	front "github.com/cardea-rtc/cardea/services/roomstate/internal/bus"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/post"
)

// counters is what the replica's metrics show.
type counters struct {
	commands *prometheus.CounterVec
	took     *prometheus.HistogramVec
	stale    prometheus.Counter
	dropped  *prometheus.CounterVec
	waited   prometheus.Histogram
	limited  *prometheus.CounterVec
}

func newCounters(r prometheus.Registerer, shards func() int, posts *post.Poster) *counters {
	c := &counters{
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cardea_roomstate_commands_total", Help: "Commands by verb and by what came of them.",
		}, []string{"verb", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cardea_roomstate_command_seconds", Help: "Time a command took in this replica.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"verb"}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cardea_roomstate_stale_total", Help: "Decisions made again because the room had changed meanwhile.",
		}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cardea_roomstate_dropped_total", Help: "Messages not taken, by reason.",
		}, []string{"reason"}),
	}
	c.limited = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cardea_roomstate_limited_total", Help: "Commands refused since a limit was met, by the limit.",
	}, []string{"reason"})
	c.waited = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "cardea_roomstate_wait_seconds", Help: "Time that messages waited because too many were under way.",
		Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10},
	})
	held := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cardea_roomstate_shards", Help: "Shards of rooms that this replica holds.",
	}, func() float64 { return float64(shards()) })
	postsDropped := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "cardea_roomstate_posts_dropped_total", Help: "Messages of TextRooms that were not posted, since too many waited.",
	}, func() float64 { return float64(posts.Dropped()) })
	postsFailed := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "cardea_roomstate_posts_failed_total", Help: "Messages of TextRooms that the server which they went to did not take.",
	}, func() float64 { return float64(posts.Failed()) })
	r.MustRegister(c.commands, c.took, c.stale, c.dropped, c.waited, c.limited, held, postsDropped, postsFailed)
	c.begin()
	return c
}

// begin sets to 0 what alerts are to see grow: of a series that comes with its first event, increase() and rate() miss that.
func (c *counters) begin() {
	for _, l := range plugin.Limits() {
		c.limited.WithLabelValues(string(l))
	}
	for _, d := range front.Drops() {
		c.dropped.WithLabelValues(string(d))
	}
	c.commands.WithLabelValues("not_moved", "done")
	for _, failed := range []fault.Reason{fault.NodeUnavailable, fault.TooBusy, fault.Internal} {
		c.commands.WithLabelValues("not_moved", string(failed))
		c.commands.WithLabelValues("move", string(failed))
	}
}

// Command is bus.Counters.
func (c *counters) Command(verb, outcome string, took time.Duration) {
	c.commands.WithLabelValues(verb, outcome).Inc()
	c.took.WithLabelValues(verb).Observe(took.Seconds())
}

// Dropped is bus.Counters.
func (c *counters) Dropped(why front.Drop, messages int) {
	c.dropped.WithLabelValues(string(why)).Add(float64(messages))
}

// Waited is bus.Counters.
func (c *counters) Waited(d time.Duration) { c.waited.Observe(d.Seconds()) }

// Limited counts a command that was refused since a limit is met.
func (c *counters) Limited(limit plugin.Limit) { c.limited.WithLabelValues(string(limit)).Inc() }
