package congestion

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/gcc"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
)

const startRate = 500_000

// own is the estimator of this package as a controller.
type own struct {
	*Estimator
	handler feedback.Handler
	now     time.Duration
	probes  bool
}

func newOwn() *own {
	o := &own{Estimator: NewEstimator(startRate), probes: true}
	o.handler.Arrivals = func(a *feedback.Arrivals) { o.Feedback(a, o.now) }
	return o
}

func (o *own) send(size int, now time.Duration, out func(uint16)) {
	seq := o.Begin(now)
	o.Sent(size)
	out(seq)
}

func (o *own) feedback(b []byte, now time.Duration) {
	o.now = now
	if err := o.handler.Handle(b); err != nil {
		panic(err)
	}
}

func (o *own) rate() float64 { bps, _ := o.Estimate(); return float64(bps) }

func (o *own) padding(want uint64, now time.Duration) int {
	if !o.probes {
		want = 0
	}
	return o.Tick(want, now)
}

func (o *own) pass() {}

// pions is the estimator of pion/interceptor. It reads the clock, so it runs in a bubble.
type pions struct {
	bwe    *gcc.SendSideBWE
	writer interceptor.RTPWriter
	seq    uint16
	out    func(uint16)
}

const pionExtension = 5

func newPions(t *testing.T) *pions {
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	bwe, err := gcc.NewSendSideBWE(
		gcc.SendSideBWEInitialBitrate(startRate), gcc.SendSideBWEPacer(gcc.NewNoOpPacer()), gcc.WithLoggerFactory(quiet),
	)
	if err != nil {
		t.Fatal(err)
	}
	p := &pions{bwe: bwe}
	p.writer = bwe.AddStream(&interceptor.StreamInfo{SSRC: 1, RTPHeaderExtensions: []interceptor.RTPHeaderExtension{
		{URI: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", ID: pionExtension},
	}}, interceptor.RTPWriterFunc(func(*rtp.Header, []byte, interceptor.Attributes) (int, error) {
		p.out(p.seq)
		return 0, nil
	}))
	return p
}

func (p *pions) send(size int, _ time.Duration, out func(uint16)) {
	p.seq++
	p.out = out
	h := rtp.Header{Version: 2, SSRC: 1}
	b, _ := rtp.TransportCCExtension{TransportSequence: p.seq}.Marshal()
	_ = h.SetExtension(pionExtension, b)
	_, _ = p.writer.Write(&h, make([]byte, size-h.MarshalSize()), nil)
}

func (p *pions) feedback(b []byte, _ time.Duration) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		panic(err)
	}
	_ = p.bwe.WriteRTCP(packets, nil)
}

func (p *pions) rate() float64 {
	return float64(p.bwe.GetTargetBitrate()) * (mediaSize + datagramOverhead) / mediaSize
}

func (p *pions) padding(uint64, time.Duration) int { return 0 }

func (p *pions) pass() { time.Sleep(step) }

// constant, change and between make what a link does over time.
func constant(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

func between(from, to time.Duration, inside, outside float64) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		if at >= from && at < to {
			return inside
		}
		return outside
	}
}

type scenario struct {
	name   string
	link   link
	length time.Duration
	drop   time.Duration // when the capacity falls, 0 for never
	open   time.Duration // when it is back
}

const (
	short = 30 * time.Millisecond
	deep  = time.Second // of queue, at 1 Mbit/s
)

var scenarios = []scenario{
	{name: "steady 2 Mbit/s", link: link{capacity: constant(2e6), queue: deep, way: short}, length: time.Minute},
	{
		name: "3 Mbit/s, 400 kbit/s, 3 Mbit/s", length: 90 * time.Second, drop: 30 * time.Second, open: 50 * time.Second,
		link: link{capacity: between(30*time.Second, 50*time.Second, 4e5, 3e6), queue: deep, way: short},
	},
	{name: "2 Mbit/s, 5 % loss", link: link{capacity: constant(2e6), queue: deep, way: short, loss: 0.05}, length: time.Minute},
	{name: "2 Mbit/s, 10 % loss", link: link{capacity: constant(2e6), queue: deep, way: short, loss: 0.1}, length: time.Minute},
	{name: "2 Mbit/s, 100 ms, jitter", link: link{capacity: constant(2e6), queue: deep, way: 50 * time.Millisecond, jitter: 20 * time.Millisecond}, length: time.Minute},
	{
		name: "2 Mbit/s, 5 s of others", length: time.Minute, drop: 30 * time.Second, open: 35 * time.Second,
		link: link{capacity: constant(2e6), others: between(30*time.Second, 35*time.Second, 1.2e6, 0), queue: deep, way: short},
	},
	{name: "2 Mbit/s, queue of 60 ms", link: link{capacity: constant(2e6), queue: 120 * time.Millisecond, way: short}, length: time.Minute},
}

const warmUp = 20 * time.Second

func (c *scenario) run(control controller) *simulation {
	l := c.link
	s := &simulation{link: &l, source: source{most: 5e6}, control: control}
	s.run(c.length)
	return s
}

func (c *scenario) runOwn() *simulation { return c.run(newOwn()) }

func (c *scenario) runPions(t *testing.T) (s *simulation) {
	synctest.Test(t, func(t *testing.T) {
		p := newPions(t)
		s = c.run(p)
		if err := p.bwe.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// row is what the table says of a run.
func (c *scenario) row(who string, s *simulation) string {
	down, up := "", ""
	if c.drop != 0 {
		down, up = seconds(s.down(c.drop)), seconds(s.up(c.open))
	}
	return fmt.Sprintf("%s\t%s\t%.0f %%\t%d ms\t%d ms\t%.1f %%\t%s\t%s\t%s", c.name, who,
		100*s.utilisation(warmUp, c.length), s.delay(0.5).Milliseconds(), s.delay(0.95).Milliseconds(), 100*s.lossRate(),
		seconds(s.up(0)), down, up)
}

func seconds(d time.Duration) string {
	if d == never {
		return "never"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func TestEstimatorAgainstPions(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "link\testimator\tused\tdelay p50\tp95\tlost\tfirst up\tdown\tup")
	for i := range scenarios {
		c := &scenarios[i]
		ours, theirs := c.runOwn(), c.runPions(t)
		fmt.Fprintln(w, c.row("own", ours))
		fmt.Fprintln(w, c.row("pion", theirs))
	}
	_ = w.Flush()
	t.Logf("\n%s", table.String())
	_ = os.Stdout
}
