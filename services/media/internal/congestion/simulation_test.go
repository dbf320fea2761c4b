package congestion

import (
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/linktest"
)

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
	free      float64       // without cross traffic
	queue     time.Duration // that a packet met
}

const sampleLength = 100 * time.Millisecond

// simulation is one run of a controller over a link.
type simulation struct {
	link    *linktest.Link
	source  source
	control controller
	watch   func(at time.Duration) // nil, or called with each step

	frames  int
	owed    float64 // bytes of media
	debt    float64 // bytes that key frames had more than others
	waiting int     // packets of video that are paced
	due     float64 // bytes that pacing lets go

	samples   []sample
	delays    []time.Duration // of every packet of media, beyond the way
	hearing   []time.Duration // of those of audio
	delivered int             // bytes, since the last sample
	sent, got int             // packets of media
	padded    int             // bytes
}

const (
	mediaSize  = 1200 // of a packet, RTP header included
	audioSize  = 120
	frameTicks = 33
	keyframes  = 300 // frames from one to the next
)

func (s *simulation) run(length time.Duration, seed uint64) {
	s.link.Start(seed)
	for ticks := 0; s.link.Now() < linktest.Epoch+length; ticks++ {
		now := s.link.Now()
		if ticks%20 == 0 {
			s.send(linktest.Audio, audioSize)
		}
		if ticks%frameTicks == 0 {
			s.frame()
		}
		s.release()
		if ticks%10 == 0 {
			for n := s.control.padding(uint64(s.source.most*1.1), now); n > 0; n -= mediaSize {
				s.padded += min(n, mediaSize)
				s.send(linktest.Padding, min(n, mediaSize))
			}
		}
		arrived, reports := s.link.Pass()
		s.receive(arrived)
		for _, b := range reports {
			s.control.feedback(b, s.link.Now())
		}
		if ticks%int(sampleLength/linktest.Step) == 0 {
			s.take()
		}
		if s.watch != nil {
			s.watch(s.link.Now() - linktest.Epoch)
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
	size := max(rate, 0) / 8 * (frameTicks * linktest.Step).Seconds() * (0.8 + 0.4*s.link.Random().Float64())
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
	s.due += s.source.pace * s.source.most / 8 * linktest.Step.Seconds()
	for s.waiting > 0 && (s.source.pace == 0 || s.due > 0) {
		s.waiting--
		s.due -= mediaSize + datagramOverhead
		s.send(linktest.Video, mediaSize)
	}
}

// send sends a packet whose size is without what goes around RTP.
func (s *simulation) send(kind linktest.Kind, size int) {
	s.control.send(size, s.link.Now(), func(seq uint16) {
		if kind != linktest.Padding {
			s.sent++
		}
		s.link.Send(linktest.Datagram{Seq: seq, Size: size + datagramOverhead, Kind: kind})
	})
}

func (s *simulation) receive(arrived []linktest.Datagram) {
	for _, d := range arrived {
		late := s.link.Now() - d.Sent - s.link.Way
		if d.Kind != linktest.Padding {
			s.got++
			s.delivered += d.Size
			s.delays = append(s.delays, late)
		}
		if d.Kind == linktest.Audio {
			s.hearing = append(s.hearing, late)
		}
	}
}

func (s *simulation) take() {
	s.samples = append(s.samples, sample{
		at: s.link.Now() - linktest.Epoch, rate: s.control.rate(), delivered: float64(8*s.delivered) / sampleLength.Seconds(),
		free: s.link.Free(), queue: s.link.Queued(),
	})
	s.delivered = 0
}

// utilisation is how much of the capacity, up to what the source has, media made use of in a time.
func (s *simulation) utilisation(from, to time.Duration) float64 {
	var used, free float64
	for _, p := range s.samples {
		if p.at >= from && p.at < to {
			used += p.delivered
			free += min(p.free, s.source.most)
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

// down is how long after a time it took until the rate was at most what the link takes, and the queue short.
func (s *simulation) down(from time.Duration) time.Duration {
	return s.since(from, func(p sample) bool { return p.rate <= 1.1*p.free && p.queue < 150*time.Millisecond })
}

// up is how long it took until three quarters of what the link takes was delivered.
func (s *simulation) up(from time.Duration) time.Duration {
	return s.since(from, func(p sample) bool { return p.delivered >= 0.75*min(p.free, s.source.most) })
}

// since is how long it took until something held for half a second; until the end if it never did.
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
	return s.samples[len(s.samples)-1].at - from
}
