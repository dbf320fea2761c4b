package congestion

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
	"github.com/cardea-rtc/cardea/services/media/internal/linktest"
)

// unlimited is the estimator as a node makes it.
func unlimited() *own {
	o := newOwn()
	o.Estimator = NewEstimator()
	o.probes = false
	return o
}

// simulate runs a source that sends what it has, whatever the estimate.
func simulate(o *own, l linktest.Link, bps float64, length time.Duration) *simulation {
	s := &simulation{link: &l, source: source{most: bps, fixed: true}, control: o}
	s.run(length, 1)
	return s
}

func TestNothingIsLimitedWithoutASignOfCongestion(t *testing.T) {
	for name, l := range map[string]linktest.Link{
		"wide":    {Capacity: linktest.Constant(5e6), Queue: deep, Way: short},
		"jitter":  {Capacity: linktest.Constant(5e6), Queue: deep, Way: short, Jitter: 30 * time.Millisecond},
		"lossy":   {Capacity: linktest.Constant(5e6), Queue: deep, Way: short, Loss: 0.05},
		"pausing": {Capacity: pauses(200*time.Millisecond, 3*time.Second, 2e7), Queue: 20 * deep, Way: short},
		"deaf":    {Capacity: linktest.Constant(5e6), Queue: deep, Way: short, Deaf: linktest.Constant(0.5)},
		"distant": {Capacity: linktest.Constant(5e6), Queue: deep, Way: 300 * time.Millisecond},
		"no feedback at all": {
			Capacity: linktest.Constant(5e6), Queue: deep, Way: short, Deaf: linktest.Constant(1),
		},
	} {
		o := unlimited()
		simulate(o, l, 1.5e6, time.Minute)
		if bps, limited := o.Estimate(); limited {
			t.Errorf("%s: limited to %d: %+v", name, bps, o.Counters())
		}
	}
}

// pauses is a link through which nothing goes for a while, and then all at once: as of radio, or of a busy machine.
func pauses(length, every time.Duration, rate float64) linktest.Over {
	return func(at time.Duration) float64 {
		if at > time.Second && at%every < length {
			return 1
		}
		return rate
	}
}

func TestTooMuchIsSeenWithinHalfASecond(t *testing.T) {
	for name, queue := range map[string]int{"deep queue": deep, "short queue": 7500} {
		o := unlimited()
		l := linktest.Link{Capacity: linktest.Between(10*time.Second, time.Hour, 4e5, 5e6), Queue: queue, Way: short}
		s := &simulation{link: &l, source: source{most: 1.5e6, fixed: true}, control: o}
		var seen time.Duration
		s.watch = func(at time.Duration) {
			if _, limited := o.Estimate(); limited && seen == 0 {
				seen = at
			}
		}
		s.run(12*time.Second, 1)
		if seen < 10*time.Second || seen > 10*time.Second+700*time.Millisecond {
			t.Errorf("%s: seen at %v", name, seen)
		}
		if bps, _ := o.Estimate(); bps > 5e5 {
			t.Errorf("%s: %d bits a second", name, bps)
		}
	}
}

func TestLittleThatIsSentNeitherRaisesNorLowersTheEstimate(t *testing.T) {
	const sends = 2e5
	l := linktest.Link{Capacity: linktest.Constant(2e6), Queue: deep, Way: short}
	o := newOwn()
	o.probes = false
	simulate(o, l, sends, time.Minute)
	if bps, _ := o.Estimate(); bps < startRate || bps > startRate*1.2 {
		t.Errorf("%d bits a second, from %d", bps, startRate)
	}
	o = newOwn()
	s := &simulation{link: &l, source: source{most: sends, fixed: true}, control: o}
	o.wants = 1_500_000
	s.run(time.Minute, 1)
	if bps, _ := o.Estimate(); bps < 1_400_000 || bps > 2_100_000 {
		t.Errorf("%d bits a second are known after probing", bps)
	}
	if share := float64(8*s.padded) / time.Minute.Seconds() / sends; share > 0.1 {
		t.Errorf("padding of %.0f %% of media", 100*share)
	}
}

func TestNothingIsProbedIfNothingMoreIsWanted(t *testing.T) {
	o := newOwn()
	o.probes = false
	s := simulate(o, linktest.Link{Capacity: linktest.Constant(2e6), Queue: deep, Way: short}, 2e5, 20*time.Second)
	if s.padded != 0 || o.Counters().Probes != 0 {
		t.Errorf("%d bytes of padding, %+v", s.padded, o.Counters())
	}
}

func TestProbesOfANarrowLinkAreFewAndSmall(t *testing.T) {
	o := newOwn()
	o.wants = 1_500_000
	l := linktest.Link{Capacity: linktest.Constant(4e5), Queue: deep, Way: short}
	s := &simulation{link: &l, source: source{most: 2e5, fixed: true}, control: o}
	s.run(2*time.Minute, 1)
	if share := float64(8*s.padded) / (2 * time.Minute).Seconds() / 4e5; share > 0.05 {
		t.Errorf("%.1f %% of the link is padding", 100*share)
	}
	if late := quantile(s.hearing, 0.99); late > 150*time.Millisecond {
		t.Errorf("1 %% of audio is later than %v", late)
	}
}

// TestALongerWayIsNoQueueForLong has a path become longer at once, as by another route: what looks like a queue does not
// shrink, however little is sent.
func TestALongerWayIsNoQueueForLong(t *testing.T) {
	const sends, changes = 9e5, 20 * time.Second
	for _, longer := range []time.Duration{15 * time.Millisecond, 40 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		o := unlimited()
		o.probes, o.wants = true, sends*1.1
		l := linktest.Link{Capacity: linktest.Constant(5e6), Queue: deep, Way: short}
		s := &simulation{link: &l, source: source{most: sends}, control: o}
		s.watch = func(at time.Duration) {
			if at >= changes {
				l.Way = short + longer
			}
		}
		s.run(changes+30*time.Second, 1)
		if took := s.up(changes + 2*time.Second); took > 8*time.Second {
			t.Errorf("%v longer: no use of the path for %v, %+v", longer, took, o.Counters())
		}
		if used := s.utilisation(changes+12*time.Second, changes+30*time.Second); used < 0.95 {
			t.Errorf("%v longer: uses only %.0f %% of what it could, 12 s later: %+v", longer, 100*used, o.Counters())
		}
	}
}

func TestLossThatIsAlwaysThereIsLived(t *testing.T) {
	o := newOwn()
	simulate(o, linktest.Link{Capacity: linktest.Constant(5e6), Queue: deep, Way: short, Loss: 0.1}, 1e6, time.Minute)
	if bps, _ := o.Estimate(); bps < 1e6 {
		t.Errorf("%d bits a second of 1 Mbit/s that arrive but for a tenth", bps)
	}
}

func TestLossByAPolicerIsAnswered(t *testing.T) {
	o := unlimited()
	simulate(o, linktest.Link{Capacity: linktest.Constant(5e5), Queue: 1250, Way: short}, 1.5e6, 4*time.Second)
	if bps, limited := o.Estimate(); !limited || bps > 7e5 {
		t.Errorf("%d bits a second over a link of 500 kbit/s, %v", bps, limited)
	}
}

func TestSilenceLowersTheEstimate(t *testing.T) {
	o := newOwn()
	o.probes = false
	l := linktest.Link{Capacity: linktest.Constant(2e6), Queue: deep, Way: short, Deaf: linktest.Between(10*time.Second, time.Hour, 1, 0)}
	simulate(o, l, 4e5, 20*time.Second)
	if bps, _ := o.Estimate(); bps > 50_000 || o.Counters().Silences < 5 {
		t.Errorf("%d bits a second after ten seconds without feedback, %+v", bps, o.Counters())
	}
}

func TestREMBCountsWhereItIsAllThereIs(t *testing.T) {
	e := NewEstimator()
	e.REMB(700_000, linktest.Epoch)
	if bps, limited := e.Estimate(); bps != 700_000 || !limited {
		t.Errorf("%d %v", bps, limited)
	}
	now, padded := linktest.Epoch, 0
	for range 300 {
		now += 10 * time.Millisecond
		e.Begin(now)
		e.Sent(400)
		n := e.Tick(2_000_000, now)
		padded += n
		if n > 0 {
			e.Sent(n)
		}
	}
	if c := e.Counters(); c.Probes == 0 || padded == 0 || c.Silences != 0 {
		t.Errorf("%+v, %d bytes of padding", c, padded)
	}

	o := newOwn()
	simulate(o, linktest.Link{Capacity: linktest.Constant(2e6), Queue: deep, Way: short}, 4e5, time.Second)
	o.REMB(50_000, linktest.Epoch+time.Second)
	if bps, _ := o.Estimate(); bps < startRate {
		t.Errorf("REMB beside transport-wide feedback set it to %d", bps)
	}
}

func TestFeedbackOfWhatIsNoLongerKnownIsPassedOver(t *testing.T) {
	o := unlimited()
	now := linktest.Epoch
	o.now = now
	for range 3 * historySize {
		now += time.Millisecond
		o.Begin(now)
		o.Sent(1000)
	}
	first := uint16(o.history.next - 3*historySize)
	var r feedback.TWCC
	for i := range uint16(historySize) {
		r.Record(first+i, linktest.Epoch)
	}
	for _, p := range r.Append(nil, 1, 2, now) {
		b, err := rtcp.Marshal([]rtcp.Packet{p})
		if err != nil {
			t.Fatal(err)
		}
		o.feedback(b, now)
	}
	if o.arrivals.known || o.loss.lost != 0 {
		t.Error("packets long forgotten were counted")
	}
}

// tellAll has an estimator send and hear of packets, one burst.
func tellAll(t testing.TB, r *feedback.TWCC, o *own, packets int, now time.Duration) []byte {
	for range packets {
		seq := o.Begin(now)
		o.Sent(1000)
		r.Record(seq, now+time.Second)
	}
	b, err := rtcp.Marshal(r.Append(nil, 1, 2, now+time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEstimatingAllocatesNothing(t *testing.T) {
	o := newOwn()
	var r feedback.TWCC
	now := linktest.Epoch
	var reports [][]byte
	for range 110 {
		now += 100 * time.Millisecond
		reports = append(reports, tellAll(t, &r, o, 10, now))
	}
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		o.feedback(reports[i], now)
		o.Tick(5_000_000, now)
		o.Begin(now)
		o.Sent(1000)
		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzFeedback(f *testing.F) {
	o := newOwn()
	var r feedback.TWCC
	f.Add(tellAll(f, &r, o, 30, linktest.Epoch))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := newOwn()
		var r feedback.TWCC
		o.feedback(tellAll(t, &r, o, 100, linktest.Epoch), linktest.Epoch+10*time.Millisecond)
		for i := range 5 {
			a, err := feedback.NewArrivals(b)
			if err != nil {
				return
			}
			now := linktest.Epoch + time.Duration(i+2)*100*time.Millisecond
			o.Feedback(&a, now)
			o.Begin(now)
			o.Sent(100)
			if n := o.Tick(2_000_000, now); n < 0 {
				t.Fatalf("%d bytes of padding", n)
			}
			if bps, _ := o.Estimate(); bps < leastRate || bps > mostRate {
				t.Fatalf("%d bits a second", bps)
			}
		}
	})
}

// BenchmarkPerPacket shows what one packet sent costs.
func BenchmarkPerPacket(b *testing.B) {
	e := NewEstimator()
	b.ReportAllocs()
	now := linktest.Epoch
	for b.Loop() {
		now += time.Microsecond
		e.Begin(now)
		e.Sent(1000)
	}
}

// BenchmarkPerFeedback shows what feedback on a tenth of a second of 1.2 Mbit/s costs, and its part in each packet.
func BenchmarkPerFeedback(b *testing.B) {
	const packets = 15
	o := newOwn()
	var r feedback.TWCC
	now := linktest.Epoch
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		now += 100 * time.Millisecond
		report := tellAll(b, &r, o, packets, now)
		b.StartTimer()
		o.feedback(report, now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*packets), "ns/packet")
}

// TestWhatPacingWouldBring is a paragraph of ADR 7: audio beside video whose key frames are five times as large as
// others, over a link that is wide enough on average.
func TestWhatPacingWouldBring(t *testing.T) {
	for _, c := range []struct {
		capacity, video float64
	}{{2e6, 1.2e6}, {1e6, 5e5}, {5e5, 1.5e5}} {
		for _, pace := range []float64{0, 2.5, 1.5} {
			o := unlimited()
			l := linktest.Link{Capacity: linktest.Constant(c.capacity), Queue: deep, Way: short}
			s := &simulation{link: &l, source: source{most: c.video, fixed: true, pace: pace}, control: o}
			s.run(time.Minute, 1)
			_, limited := o.Estimate()
			t.Logf("%.1f Mbit/s of video over %.1f, pace %.1f: audio p50 %v, p95 %v, p99 %v, most %v",
				c.video/1e6, c.capacity/1e6, pace, quantile(s.hearing, 0.5), quantile(s.hearing, 0.95), quantile(s.hearing, 0.99), quantile(s.hearing, 1))
			if limited || quantile(s.hearing, 0.95) > 60*time.Millisecond || quantile(s.hearing, 1) > 300*time.Millisecond {
				t.Errorf("limited %v", limited)
			}
		}
	}
}
