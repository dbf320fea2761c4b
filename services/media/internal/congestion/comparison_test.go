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
}

func (p *pions) rate() float64 {
	return float64(p.bwe.GetTargetBitrate()) * (mediaSize + datagramOverhead) / mediaSize
}

func (p *pions) padding(uint64, time.Duration) int { return 0 }

func (p *pions) pass() {
	time.Sleep(step)
	p.flush()
}

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
	bounds bounds
}

const (
	short = 30 * time.Millisecond
	deep  = time.Second // of queue, at 1 Mbit/s
)

var scenarios = []scenario{
	{
		name: "steady 2 Mbit/s", length: time.Minute,
		link:   link{capacity: constant(2e6), queue: deep, way: short},
		bounds: bounds{used: 0.85, late: 100 * time.Millisecond, lost: 0.01, first: 5 * time.Second},
	},
	{
		name: "3 Mbit/s, 400 kbit/s, 3 Mbit/s", length: 90 * time.Second, drop: 30 * time.Second, open: 50 * time.Second,
		link: link{capacity: between(30*time.Second, 50*time.Second, 4e5, 3e6), queue: deep, way: short},
		bounds: bounds{
			used: 0.8, late: 200 * time.Millisecond, lost: 0.01, first: 5 * time.Second, down: 6 * time.Second, again: 8 * time.Second,
		},
	},
	{
		name: "2 Mbit/s, 5 % loss", length: time.Minute,
		link:   link{capacity: constant(2e6), queue: deep, way: short, loss: 0.05},
		bounds: bounds{used: 0.75, late: 100 * time.Millisecond, lost: 0.01, first: 10 * time.Second},
	},
	{
		name: "2 Mbit/s, 10 % loss", length: time.Minute,
		link:   link{capacity: constant(2e6), queue: deep, way: short, loss: 0.1},
		bounds: bounds{used: 0.65, late: 100 * time.Millisecond, lost: 0.01, first: 15 * time.Second},
	},
	{
		name: "2 Mbit/s, 100 ms, jitter", length: time.Minute,
		link:   link{capacity: constant(2e6), queue: deep, way: 50 * time.Millisecond, jitter: 20 * time.Millisecond},
		bounds: bounds{used: 0.8, late: 150 * time.Millisecond, lost: 0.01, first: 5 * time.Second},
	},
	{
		name: "2 Mbit/s, 5 s of others", length: time.Minute, drop: 30 * time.Second, open: 35 * time.Second,
		link: link{capacity: constant(2e6), others: between(30*time.Second, 35*time.Second, 1.2e6, 0), queue: deep, way: short},
		bounds: bounds{
			used: 0.8, late: 200 * time.Millisecond, lost: 0.01, first: 5 * time.Second, down: 6 * time.Second, again: 7 * time.Second,
		},
	},
	{
		name: "2 Mbit/s, queue of 60 ms", length: time.Minute,
		link:   link{capacity: constant(2e6), queue: 120 * time.Millisecond, way: short},
		bounds: bounds{used: 0.85, late: 80 * time.Millisecond, lost: 0.04, first: 5 * time.Second},
	},
}

const warmUp = 20 * time.Second

func (c *scenario) run(control controller) *simulation {
	l := c.link
	s := &simulation{link: &l, source: source{most: 5e6}, control: control}
	s.run(c.length)
	return s
}

func (c *scenario) runOwn() *simulation { return c.run(newOwn()) }

func (c *scenario) runPions(t *testing.T, paced bool) (s *simulation) {
	synctest.Test(t, func(t *testing.T) {
		p := newPions(t, paced)
		time.Sleep(step / 2) // so that its ticker and the simulation never want the same instant
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
		100*s.utilisation(warmUp, c.length), quantile(s.delays, 0.5).Milliseconds(), quantile(s.delays, 0.95).Milliseconds(), 100*s.lossRate(),
		seconds(s.up(0)), down, up)
}

func seconds(d time.Duration) string {
	if d == never {
		return "never"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// TestEstimatorAgainstPions is the table of ADR 7. Each link has the same source, whose bursts are not paced, as a
// forwarder's are not; pion's estimator runs with its own pacer too.
func TestEstimatorAgainstPions(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "link\testimator\tused\tdelay p50\tp95\tlost\tfirst up\tdown\tup")
	for i := range scenarios {
		c := &scenarios[i]
		ours := c.runOwn()
		c.checkBounds(t, ours)
		fmt.Fprintln(w, c.row("own", ours))
		for _, paced := range []bool{false, true} {
			name := "pion"
			if paced {
				name = "pion, paced"
			}
			theirs := c.runPions(t, paced)
			c.checkNoWorse(t, ours, theirs)
			fmt.Fprintln(w, c.row(name, theirs))
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
}

// bounds of what is acceptable of a run.
type bounds struct {
	used        float64
	late        time.Duration // 95 % of packets, beyond the way
	lost        float64       // beyond what the link loses anyhow
	first       time.Duration // to three quarters of the capacity, from the start
	down, again time.Duration // after the capacity fell, and was back
}

func (c *scenario) checkBounds(t *testing.T, s *simulation) {
	t.Helper()
	b, late := &c.bounds, quantile(s.delays, 0.95)
	if s.utilisation(warmUp, c.length) < b.used || late > b.late || s.lossRate()-c.link.loss > b.lost || s.up(0) > b.first {
		t.Errorf("out of bounds: %s", c.row("own", s))
	}
	if c.drop != 0 && (s.down(c.drop) > b.down || s.up(c.open) > b.again) {
		t.Errorf("out of bounds: %s", c.row("own", s))
	}
}

// checkNoWorse compares what matters most to a call: delay and loss, then how soon there is a better picture, and
// last how much of the link is used.
func (c *scenario) checkNoWorse(t *testing.T, ours, theirs *simulation) {
	t.Helper()
	const (
		noDelay = 120 * time.Millisecond // below that, delay is of no importance
		noLoss  = 0.02
		noShare = 0.11
	)
	if late := quantile(ours.delays, 0.95); late > max(quantile(theirs.delays, 0.95), noDelay) {
		t.Errorf("%s: delay %v", c.name, late)
	}
	if lost := ours.lossRate(); lost > theirs.lossRate()+noLoss {
		t.Errorf("%s: lost %v", c.name, lost)
	}
	if first := ours.up(0); first > theirs.up(0) {
		t.Errorf("%s: first up after %v", c.name, first)
	}
	if used := ours.utilisation(warmUp, c.length); used < theirs.utilisation(warmUp, c.length)-noShare {
		t.Errorf("%s: used %v", c.name, used)
	}
	if c.drop == 0 {
		return
	}
	if down := ours.down(c.drop); down > theirs.down(c.drop) {
		t.Errorf("%s: down after %v", c.name, down)
	}
	// One that had not come down has nothing to come back from.
	if up := ours.up(c.open); theirs.down(c.drop) < c.open-c.drop && up > theirs.up(c.open) {
		t.Errorf("%s: up after %v", c.name, up)
	}
}
