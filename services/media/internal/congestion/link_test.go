package congestion

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
)

// step is how fine simulated time is.
const step = time.Millisecond

// link is a simulated path: a queue that a bottleneck empties, then a way of some length.
type link struct {
	capacity func(at time.Duration) float64 // bits a second
	others   func(at time.Duration) float64 // bits a second of cross traffic; nil for none
	queue    time.Duration                  // that the bottleneck holds at most, at 1 Mbit/s
	way      time.Duration                  // each way
	jitter   time.Duration                  // at most, on top of way; order is kept
	loss     float64                        // share lost by chance
	deaf     func(at time.Duration) float64 // share of feedback lost; nil for none
}

// datagram is a packet on its way.
type datagram struct {
	seq   uint16
	size  int
	media bool // neither padding nor cross traffic
	audio bool // likewise
	cross bool
	sent  time.Duration
	at    time.Duration // when it gets there
}

// controller is what is simulated: it says how much may be sent.
type controller interface {
	// send takes a packet of so many bytes, RTP header included, and calls out with its transport-wide number.
	send(size int, now time.Duration, out func(seq uint16))
	feedback(b []byte, now time.Duration)
	// rate is of datagrams, in bits a second.
	rate() float64
	// padding is what to send beside media, in bytes.
	padding(want uint64, now time.Duration) int
	// pass lets the time of one step go by.
	pass()
}

// source is a publisher's stream that follows the rate it is given, as an encoder does, or one that does not.
type source struct {
	most  float64 // bits a second
	fixed bool
	pace  float64 // how much faster than it on average packets go out at most; 0 for all of a frame at once
}

// sample is what was seen within a tenth of a second.
type sample struct {
	at        time.Duration
	rate      float64       // what the controller said
	delivered float64       // of media, bits a second
	capacity  float64       // without cross traffic
	queue     time.Duration // that a packet met
}

const sampleLength = 100 * time.Millisecond

// simulation is one run of a controller over a link.
type simulation struct {
	link    *link
	source  source
	control controller
	random  *rand.Rand
	now     time.Duration

	queued    []datagram
	bytes     int
	credit    float64
	flying    []datagram
	reports   []report
	receiver  feedback.TWCC
	frames    int
	debt      float64                // bytes that key frames had more than others
	owed      float64                // bytes of media
	watch     func(at time.Duration) // nil, or called with each step
	samples   []sample
	delays    []time.Duration // of every packet of media, beyond the way
	hearing   []time.Duration // of those of audio
	waiting   int             // packets of video that are paced
	due       float64         // bytes that pacing lets go
	delivered int
	sent, got int // packets of media
	padded    int // bytes
}

type report struct {
	b  []byte
	at time.Duration
}

const (
	epoch      = 1000 * time.Second // when a simulation begins, on the node's clock
	offset     = 7777 * time.Second // of the receiver's clock
	mediaSize  = 1200               // of a packet, RTP header included
	audioSize  = 120
	frameTicks = 33
	keyframes  = 300 // frames from one to the next
)

func (s *simulation) run(length time.Duration) {
	s.random = rand.New(rand.NewPCG(1, 2))
	s.now = epoch
	for ticks := 0; s.now < epoch+length; ticks++ {
		s.now += step
		if ticks%20 == 0 {
			s.send(datagram{size: audioSize, media: true, audio: true})
		}
		if ticks%frameTicks == 0 {
			s.frame()
		}
		s.release()
		if ticks%10 == 0 {
			if n := s.control.padding(uint64(s.source.most*1.1), s.now); n > 0 {
				s.padded += n
				for ; n > 0; n -= mediaSize {
					s.send(datagram{size: min(n, mediaSize)})
				}
			}
		}
		s.serve()
		s.deliver()
		if s.receiver.Due(s.now + offset) {
			b, err := rtcp.Marshal(s.receiver.Append(nil, 1, 2, s.now+offset))
			if err == nil && (s.link.deaf == nil || s.random.Float64() >= s.link.deaf(s.now-epoch)) {
				s.reports = append(s.reports, report{b, s.now + s.link.way})
			}
		}
		for len(s.reports) > 0 && s.reports[0].at <= s.now {
			s.control.feedback(s.reports[0].b, s.now)
			s.reports = s.reports[1:]
		}
		if ticks%int(sampleLength/step) == 0 {
			s.take()
		}
		if s.watch != nil {
			s.watch(s.now - epoch)
		}
		s.control.pass()
	}
}

// frame makes one.
func (s *simulation) frame() {
	rate := s.source.most
	if !s.source.fixed {
		rate = min(rate, s.control.rate()-float64(8*50*(audioSize+datagramOverhead)))
	}
	size := max(rate, 0) / 8 * (frameTicks * step).Seconds() * (0.8 + 0.4*s.random.Float64())
	if s.frames%keyframes == keyframes-1 {
		s.debt += 4 * size // an encoder makes up for it
		size *= 5
	} else if s.debt > 0 {
		s.debt -= size / 4
		size -= size / 4
	}
	s.frames++
	s.owed += size
	for s.owed >= mediaSize+datagramOverhead {
		s.owed -= mediaSize + datagramOverhead
		s.waiting++
	}
}

// release sends what is to go out of frames now.
func (s *simulation) release() {
	if s.waiting == 0 {
		s.due = 0
		return
	}
	s.due += s.source.pace * s.source.most / 8 * step.Seconds()
	for s.waiting > 0 && (s.source.pace == 0 || s.due > 0) {
		s.waiting--
		s.due -= mediaSize + datagramOverhead
		s.send(datagram{size: mediaSize, media: true})
	}
}

// send sends d, whose size is without what goes around RTP.
func (s *simulation) send(d datagram) {
	s.control.send(d.size, s.now, func(seq uint16) {
		if d.media {
			s.sent++
		}
		d.seq, d.sent = seq, s.now
		d.size += datagramOverhead
		s.enqueue(d)
	})
}

func (s *simulation) enqueue(d datagram) {
	if s.bytes+d.size > int(s.link.queue.Seconds()*1e6/8) {
		return
	}
	s.bytes += d.size
	s.queued = append(s.queued, d)
}

// serve empties the queue by what the bottleneck does in one step.
func (s *simulation) serve() {
	at := s.now - epoch
	if s.link.others != nil {
		if n := int(s.link.others(at) / 8 * step.Seconds()); n > 0 {
			s.enqueue(datagram{cross: true, size: n, sent: s.now})
		}
	}
	s.credit += s.link.capacity(at) / 8 * step.Seconds()
	for len(s.queued) > 0 && s.credit >= float64(s.queued[0].size) {
		d := s.queued[0]
		s.queued = s.queued[1:]
		s.bytes -= d.size
		s.credit -= float64(d.size)
		if d.cross || s.random.Float64() < s.link.loss {
			continue
		}
		d.at = s.now + s.link.way
		if s.link.jitter > 0 {
			d.at += time.Duration(s.random.Int64N(int64(s.link.jitter)))
		}
		if n := len(s.flying); n > 0 {
			d.at = max(d.at, s.flying[n-1].at)
		}
		s.flying = append(s.flying, d)
	}
	if len(s.queued) == 0 {
		s.credit = 0
	}
}

func (s *simulation) deliver() {
	for len(s.flying) > 0 && s.flying[0].at <= s.now {
		d := s.flying[0]
		s.flying = s.flying[1:]
		s.receiver.Record(d.seq, s.now+offset)
		if d.media {
			s.got++
			s.delivered += d.size
			s.delays = append(s.delays, s.now-d.sent-s.link.way)
		}
		if d.audio {
			s.hearing = append(s.hearing, s.now-d.sent-s.link.way)
		}
	}
}

func (s *simulation) take() {
	at := s.now - epoch
	free := s.link.capacity(at)
	if s.link.others != nil {
		free = max(free-s.link.others(at), 0)
	}
	queue := time.Duration(float64(8*s.bytes) / s.link.capacity(at) * float64(time.Second))
	s.samples = append(s.samples, sample{at, s.control.rate(), float64(8*s.delivered) / sampleLength.Seconds(), free, queue})
	s.delivered = 0
}

// utilisation is how much of the capacity, up to what the source has, media made use of from a time on.
func (s *simulation) utilisation(from, to time.Duration) float64 {
	var used, free float64
	for _, p := range s.samples {
		if p.at >= from && p.at < to {
			used += p.delivered
			free += min(p.capacity, s.source.most)
		}
	}
	return used / free
}

// quantile is the delay that a share of the packets stayed below.
func quantile(delays []time.Duration, share float64) time.Duration {
	sorted := slices.Sorted(slices.Values(delays))
	return sorted[int(share*float64(len(sorted)-1))]
}

// lossRate is the share of media that did not arrive.
func (s *simulation) lossRate() float64 { return 1 - float64(s.got)/float64(s.sent) }

// down is how long after a time it took until the rate was at most what the link takes, and the queue short, for good:
// until another second had passed so.
func (s *simulation) down(from time.Duration) time.Duration {
	return s.since(from, func(p sample) bool { return p.rate <= 1.1*p.capacity && p.queue < 150*time.Millisecond })
}

// up is how long it took until three quarters of what the link takes was delivered.
func (s *simulation) up(from time.Duration) time.Duration {
	return s.since(from, func(p sample) bool { return p.delivered >= 0.75*min(p.capacity, s.source.most) })
}

func (s *simulation) since(from time.Duration, good func(sample) bool) time.Duration {
	const inARow = 5
	row := 0
	for _, p := range s.samples {
		if p.at < from {
			continue
		}
		if row++; !good(p) {
			row = 0
		}
		if row == inARow {
			return p.at - from - (inARow-1)*sampleLength
		}
	}
	return never
}

// never is longer than any simulation.
const never = time.Hour
