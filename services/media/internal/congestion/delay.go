package congestion

import (
	"math"
	"time"
)

// usage is what the delay says of the path.
type usage uint8

const (
	normal usage = iota
	under        // a queue empties
	over         // a queue grows
)

const (
	intervalLength = 40 * time.Millisecond // of sending, of which the packet least delayed counts
	// longArrival is how long an interval takes to arrive at most: longer bursts are a queue, not one that they leave.
	longArrival = 150 * time.Millisecond
	trendPoints = 10                     // intervals that the trend is seen over
	baseLength  = 30 * time.Second       // how long the least delay of all is believed; up to twice that
	leastQueue  = 10.0                   // ms; a shorter queue is no over-use, however it grows
	varying     = 1.5                    // nor is one shorter by this times what it varies by
	longQueue   = 100 * time.Millisecond // a longer one is at once, if packets arrive slowly
	mostVarying = 30.0                   // ms; how much of that one point shows at most
	slowArrival = 20 * time.Millisecond

	// The threshold adapts to how much the delay varies by itself (draft-ietf-rmcat-gcc-02, section 5.4).
	firstThreshold = 12.5 // ms
	leastThreshold = 10.0
	mostThreshold  = 600.0
	thresholdUp    = 0.0087 // per ms
	thresholdDown  = 0.039
	outlier        = 15.0 // ms beyond the threshold that it does not follow
)

// delayTrend tells over-use by one-way delay. Clocks of both ends may differ by anything, if they run alike.
type delayTrend struct {
	interval  interval
	points    [trendPoints]point // a ring
	count     int                // of points ever
	threshold float64            // ms
	overs     int                // points in a row above the threshold
	last      float64            // growth at the last point
	varies    float64            // ms, from point to point, averaged
	base      least
	queue     time.Duration // standing: the last interval's least delay above the base
	now       usage
	since     time.Duration // packets sent before then say nothing of the rate in force
}

// interval collects the packets sent within intervalLength.
type interval struct {
	open  bool
	begin time.Duration // when the first was sent
	first time.Duration // when it arrived
	sent  time.Duration // when the last was sent
	last  time.Duration // when that arrived
	least time.Duration // delay
}

// slowly is true if the packets took much longer to arrive than to be sent, as over a link that cannot keep up. After
// a pause in which nothing arrives, be it of a radio link or of a busy machine, they come all at once.
func (i *interval) slowly() bool { return i.last-i.first > i.sent-i.begin+slowArrival }

type point struct {
	at    float64 // ms
	delay float64 // ms above the first point's
}

// least follows the least delay, forgetting what is too old.
type least struct {
	known            bool
	current, earlier time.Duration // of this period and the one before
	since            time.Duration
}

func (l *least) take(delay, at time.Duration) time.Duration {
	switch {
	case !l.known:
		*l = least{known: true, current: delay, earlier: delay, since: at}
	case at-l.since >= baseLength:
		l.earlier, l.current, l.since = l.current, delay, at
	}
	l.current = min(l.current, delay)
	return min(l.current, l.earlier)
}

// arrived takes one packet, in the order of sending.
func (d *delayTrend) arrived(sent, arrival time.Duration) {
	i, delay := &d.interval, arrival-sent
	if i.open && sent < i.begin { // feedback of it was lost
		return
	}
	if i.open && (sent-i.begin >= intervalLength || arrival-i.first >= longArrival) {
		d.close()
	}
	if !i.open {
		*i = interval{open: true, begin: sent, first: arrival, sent: sent, last: arrival, least: delay}
		return
	}
	i.sent, i.last = sent, max(i.last, arrival)
	i.least = min(i.least, delay)
}

// close makes a point of the interval.
func (d *delayTrend) close() {
	i := &d.interval
	i.open = false
	d.queue = i.least - d.base.take(i.least, i.begin)
	if i.begin < d.since {
		return
	}
	previous := d.points[(d.count+trendPoints-1)%trendPoints]
	at := milliseconds(i.begin)
	if d.count > 0 && at-previous.at > 1000 { // after a pause nothing is known of the way there
		d.count, d.overs = 0, 0
	}
	d.points[d.count%trendPoints] = point{at, milliseconds(d.queue)}
	d.count++
	if d.count == 1 {
		previous = d.points[0]
	}
	change := min(math.Abs(milliseconds(d.queue)-previous.delay), mostVarying)
	d.varies += (change - d.varies) / 16
	d.judge(at-previous.at, milliseconds(d.queue) >= previous.delay, i.slowly())
}

// judge compares how much the trend makes the delay grow over the points with the threshold. step is the time since
// the last point, in ms. If the queue is no longer than it was then, and the packets did not come slowly, it was a
// pause that left it, not the rate.
func (d *delayTrend) judge(step float64, longer, slowly bool) {
	if d.threshold == 0 {
		d.threshold = firstThreshold
	}
	growth := d.growth()
	switch {
	case growth > d.threshold && milliseconds(d.queue) > leastQueue+varying*d.varies && (longer || slowly):
		d.overs++
		if d.overs >= 2 || d.queue > longQueue && slowly {
			d.now = over
		}
	case growth < -d.threshold:
		d.now, d.overs = under, 0
	default:
		d.now, d.overs = normal, 0
	}
	d.last = growth
	d.adapt(growth, step)
}

func (d *delayTrend) adapt(growth, step float64) {
	size := max(growth, -growth)
	if size > d.threshold+outlier {
		return
	}
	k := thresholdDown
	if size > d.threshold {
		k = thresholdUp
	}
	d.threshold += k * (size - d.threshold) * min(step, 100)
	d.threshold = min(max(d.threshold, leastThreshold), mostThreshold)
}

// growth is how much longer, in ms, the line that fits the points best says the delay is at the last than at the first.
func (d *delayTrend) growth() float64 {
	n := min(d.count, trendPoints)
	if n < 2 {
		return 0
	}
	var at, delay float64
	for _, p := range d.points[:n] {
		at += p.at
		delay += p.delay
	}
	at /= float64(n)
	delay /= float64(n)
	var top, bottom float64
	for _, p := range d.points[:n] {
		top += (p.at - at) * (p.delay - delay)
		bottom += (p.at - at) * (p.at - at)
	}
	if bottom == 0 {
		return 0
	}
	newest := d.points[(d.count-1)%trendPoints].at
	oldest := d.points[(d.count-n)%trendPoints].at
	return top / bottom * (newest - oldest)
}

// restart forgets the trend, for the rate has changed.
func (d *delayTrend) restart(now time.Duration) {
	d.count, d.overs, d.now, d.since = 0, 0, normal, now
	d.interval.open = false
}

// rebase takes what looks like a queue for the way itself.
func (d *delayTrend) rebase(now time.Duration) {
	d.base, d.queue = least{}, 0
	d.restart(now)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
