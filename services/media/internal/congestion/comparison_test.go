package congestion

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
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
	"github.com/cardea-rtc/cardea/services/media/internal/linktest"
)

const startRate = 500_000

// own is the estimator of this package as a controller.
type own struct {
	*Estimator
	handler feedback.Handler
	now     time.Duration
	probes  bool
	wants   uint64 // 0 for what the source has
}

func newOwn() *own {
	o := &own{Estimator: NewEstimator(), probes: true}
	o.control.set(startRate)
	o.limited = true
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

func (o *own) rate() float64 { return float64(o.Draining()) }

func (o *own) padding(want uint64, now time.Duration) int {
	switch {
	case !o.probes:
		want = 0
	case o.wants != 0:
		want = o.wants
	}
	return o.Tick(want, now)
}

func (o *own) pass() {}

// pions is the estimator of pion/interceptor. It reads the clock, so it runs in a bubble.
type pions struct {
	bwe    *gcc.SendSideBWE
	writer interceptor.RTPWriter
	seq    uint16
	out    map[uint16]func(uint16)

	mu  sync.Mutex
	due []uint16 // what its pacer has let go
}

const pionExtension = 5

func newPions(t *testing.T, paced bool) *pions {
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	options := []gcc.Option{gcc.SendSideBWEInitialBitrate(startRate), gcc.WithLoggerFactory(quiet)}
	if !paced {
		options = append(options, gcc.SendSideBWEPacer(gcc.NewNoOpPacer()))
	}
	bwe, err := gcc.NewSendSideBWE(options...)
	if err != nil {
		t.Fatal(err)
	}
	p := &pions{bwe: bwe, out: map[uint16]func(uint16){}}
	p.writer = bwe.AddStream(&interceptor.StreamInfo{SSRC: 1, RTPHeaderExtensions: []interceptor.RTPHeaderExtension{
		{URI: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", ID: pionExtension},
	}}, interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		seq := binary.BigEndian.Uint16(h.GetExtension(pionExtension))
		p.due = append(p.due, seq)
		return 0, nil
	}))
	return p
}

func (p *pions) send(size int, _ time.Duration, out func(uint16)) {
	p.seq++
	p.out[p.seq] = out
	h := rtp.Header{Version: 2, SSRC: 1}
	b, _ := rtp.TransportCCExtension{TransportSequence: p.seq}.Marshal()
	_ = h.SetExtension(pionExtension, b)
	_, _ = p.writer.Write(&h, make([]byte, size-h.MarshalSize()), nil)
	p.flush()
}

// flush sends what the pacer has let go.
func (p *pions) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, seq := range p.due {
		p.out[seq](seq)
		delete(p.out, seq)
	}
	p.due = p.due[:0]
}

func (p *pions) feedback(b []byte, _ time.Duration) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		panic(err)
	}
	_ = p.bwe.WriteRTCP(packets, nil)
	synctest.Wait()
}

func (p *pions) rate() float64 {
	return float64(p.bwe.GetTargetBitrate()) * (mediaSize + datagramOverhead) / mediaSize
}

func (p *pions) padding(uint64, time.Duration) int { return 0 }

func (p *pions) pass() {
	time.Sleep(linktest.Step)
	synctest.Wait()
	p.flush()
}

type scenario struct {
	name   string
	link   linktest.Link
	length time.Duration
	drop   time.Duration // when the capacity falls, 0 for never
	open   time.Duration // when it is back
	bounds outcome
}

const (
	short = 30 * time.Millisecond
	deep  = 125_000 // bytes: a second of 1 Mbit/s
)

var scenarios = []scenario{
	{
		name: "steady 2 Mbit/s", length: time.Minute,
		link:   linktest.Link{Capacity: linktest.Constant(2e6), Queue: deep, Way: short},
		bounds: outcome{used: 0.85, late: 120 * time.Millisecond, lost: 0.01, first: 5 * time.Second},
	},
	{
		name: "3 Mbit/s, 400 kbit/s, 3 Mbit/s", length: 90 * time.Second, drop: 30 * time.Second, open: 50 * time.Second,
		link: linktest.Link{Capacity: linktest.Between(30*time.Second, 50*time.Second, 4e5, 3e6), Queue: deep, Way: short},
		bounds: outcome{
			used: 0.8, late: 200 * time.Millisecond, lost: 0.01, first: 5 * time.Second, down: 6 * time.Second, again: 8 * time.Second,
		},
	},
	{
		name: "2 Mbit/s, 5 % loss", length: time.Minute,
		link:   linktest.Link{Capacity: linktest.Constant(2e6), Queue: deep, Way: short, Loss: 0.05},
		bounds: outcome{used: 0.75, late: 120 * time.Millisecond, lost: 0.06, first: 10 * time.Second},
	},
	{
		name: "2 Mbit/s, 10 % loss", length: time.Minute,
		link:   linktest.Link{Capacity: linktest.Constant(2e6), Queue: deep, Way: short, Loss: 0.1},
		bounds: outcome{used: 0.65, late: 120 * time.Millisecond, lost: 0.11, first: 15 * time.Second},
	},
	{
		name: "2 Mbit/s, 100 ms, jitter", length: time.Minute,
		link:   linktest.Link{Capacity: linktest.Constant(2e6), Queue: deep, Way: 50 * time.Millisecond, Jitter: 20 * time.Millisecond},
		bounds: outcome{used: 0.8, late: 150 * time.Millisecond, lost: 0.01, first: 5 * time.Second},
	},
	{
		name: "2 Mbit/s, 5 s of others", length: time.Minute, drop: 30 * time.Second, open: 35 * time.Second,
		link: linktest.Link{
			Capacity: linktest.Constant(2e6), Others: linktest.Between(30*time.Second, 35*time.Second, 1.2e6, 0), Queue: deep, Way: short,
		},
		bounds: outcome{
			used: 0.8, late: 200 * time.Millisecond, lost: 0.01, first: 5 * time.Second, down: 5 * time.Second, again: 7 * time.Second,
		},
	},
	{
		name: "2 Mbit/s, queue of 60 ms", length: time.Minute,
		link:   linktest.Link{Capacity: linktest.Constant(2e6), Queue: 15_000, Way: short},
		bounds: outcome{used: 0.85, late: 80 * time.Millisecond, lost: 0.07, first: 5 * time.Second},
	},
}

const (
	warmUp = 20 * time.Second
	seeds  = 5
)

// outcome is what came of a controller on a link, on average over some chances.
type outcome struct {
	used        float64
	half, late  time.Duration // that 50 % and 95 % of packets took at most, beyond the way
	lost        float64
	first       time.Duration // to three quarters of the capacity, from the start
	down, again time.Duration // to what the link takes after the capacity fell, and up after it was back
}

func (c *scenario) outcome(make func() (controller, func())) outcome {
	var o outcome
	var delays []time.Duration
	for seed := range uint64(seeds) {
		control, end := make()
		l := c.link
		s := &simulation{link: &l, source: source{most: 5e6}, control: control}
		s.run(c.length, seed)
		end()
		delays = append(delays, s.delays...)
		o.used += s.utilisation(warmUp, c.length) / seeds
		o.lost += s.lossRate() / seeds
		o.first += s.up(0) / seeds
		if c.drop != 0 {
			o.down += s.down(c.drop) / seeds
			o.again += s.up(c.open) / seeds
		}
	}
	o.half, o.late = quantile(delays, 0.5), quantile(delays, 0.95)
	return o
}

func (c *scenario) ownOutcome() outcome {
	return c.outcome(func() (controller, func()) { return newOwn(), func() {} })
}

func (c *scenario) pionsOutcome(t *testing.T, paced bool) (o outcome) {
	synctest.Test(t, func(t *testing.T) {
		o = c.outcome(func() (controller, func()) {
			p := newPions(t, paced)
			time.Sleep(linktest.Step / 2) // so that its ticker and the simulation never want the same instant
			return p, func() {
				if err := p.bwe.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	})
	return o
}

// row is what the table says.
func (c *scenario) row(who string, o outcome) string {
	down, up := "", ""
	if c.drop != 0 {
		down, up = fmt.Sprintf("%.1f s", o.down.Seconds()), fmt.Sprintf("%.1f s", o.again.Seconds())
	}
	return fmt.Sprintf("%s\t%s\t%.0f %%\t%d ms\t%d ms\t%.1f %%\t%.1f s\t%s\t%s", c.name, who,
		100*o.used, o.half.Milliseconds(), o.late.Milliseconds(), 100*o.lost, o.first.Seconds(), down, up)
}

// TestEstimatorAgainstPions is the table of ADR 7. Each link has the same source, whose bursts are not paced, as a
// forwarder's are not; pion's estimator runs with its own pacer too. Ours gives the same figures in every run and is held
// to the bounds of each link. Pion's differ from run to run, for it has goroutines of which now one, now another is
// first: it is compared over all links together, where the differences are many times its chances.
func TestEstimatorAgainstPions(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "link\testimator\tused\tdelay p50\tp95\tlost\tfirst up\tdown\tup")
	var ours, unpaced, paced outcome
	for i := range scenarios {
		c := &scenarios[i]
		for _, e := range []struct {
			name  string
			mean  *outcome
			of    func() outcome
			bound bool
		}{
			{"own", &ours, c.ownOutcome, true},
			{"pion", &unpaced, func() outcome { return c.pionsOutcome(t, false) }, false},
			{"pion, paced", &paced, func() outcome { return c.pionsOutcome(t, true) }, false},
		} {
			o := e.of()
			e.mean.add(&o)
			if e.bound {
				c.checkBounds(t, &o)
			}
			fmt.Fprintln(w, c.row(e.name, o))
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	ours.checkBetter(t, &unpaced)
	ours.checkBetter(t, &paced)
	t.Logf("\n%s", table.String())
}

// add makes o the mean over all scenarios, one by one.
func (o *outcome) add(one *outcome) {
	n := time.Duration(len(scenarios))
	o.used += one.used / float64(n)
	o.late += one.late / n
	o.lost += one.lost / float64(n)
	o.first += one.first / n
	o.down += one.down / n
	o.again += one.again / n
}

func (c *scenario) checkBounds(t *testing.T, o *outcome) {
	t.Helper()
	if b := &c.bounds; o.used < b.used || o.late > b.late || o.lost > b.lost || o.first > b.first || o.down > b.down || o.again > b.again {
		t.Errorf("out of bounds: %s", c.row("own", *o))
	}
}

// checkBetter compares means over all links: o uses more, is sooner up, down and up again, and delays less. Loss, which
// RTX repairs, may be a little more: who uses little loses little.
func (o *outcome) checkBetter(t *testing.T, other *outcome) {
	t.Helper()
	const noLoss = 0.02
	if o.used <= other.used || o.late >= other.late || o.first >= other.first || o.down >= other.down || o.again >= other.again ||
		o.lost > other.lost+noLoss {
		t.Errorf("%+v\nis worse than\n%+v", *o, *other)
	}
}
