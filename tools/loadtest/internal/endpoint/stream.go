package endpoint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/tools/internal/histogram"
	"github.com/cardea-rtc/cardea/tools/internal/synth"
)

// Pacing is how browsers spread a frame: groups of packets, so large that they make this many times the bitrate.
const (
	paceInterval = 5 * time.Millisecond
	paceFactor   = 2.5
)

// source makes the payloads of a stream.
type source interface {
	Next(key bool) (packets int)
	AppendPacket(b []byte, i int, s synth.Stamp) []byte
}

// Stream is one RTP stream that a publisher sends.
type Stream struct {
	ID synth.StreamID

	clock     Clock
	source    source
	track     *webrtc.TrackLocalStaticRTP
	interval  time.Duration // between two frames
	tsStep    uint32        // likewise, in units of the clock rate
	group     int           // packets to send at a time if paced
	keyWanted atomic.Bool
	counter   atomic.Uint32 // of the next packet
}

func newVideo(id synth.StreamID, clock Clock, bitrateBps int) (*Stream, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(vp8, "video", "loadtest")
	if err != nil {
		return nil, fmt.Errorf("make track: %w", err)
	}
	return &Stream{
		ID: id, clock: clock, source: synth.NewVP8(bitrateBps), track: track,
		interval: time.Second / synth.FrameRate, tsStep: synth.VideoClockRate / synth.FrameRate,
		group: max(int(paceFactor*float64(bitrateBps)/8*paceInterval.Seconds()/synth.MaxPayload+0.5), 1),
	}, nil
}

func newAudio(id synth.StreamID, clock Clock) (*Stream, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(opus, "audio", "loadtest")
	if err != nil {
		return nil, fmt.Errorf("make track: %w", err)
	}
	return &Stream{
		ID: id, clock: clock, source: synth.Opus{}, track: track,
		interval: synth.OpusInterval, tsStep: uint32(synth.OpusClockRate * synth.OpusInterval / time.Second), group: 1,
	}, nil
}

// Sent is how many packets have been sent, which is the counter of the next.
func (s *Stream) Sent() uint32 { return s.counter.Load() }

// WantKey makes the next frame a key frame.
func (s *Stream) WantKey() { s.keyWanted.Store(true) }

// Send sends until ctx ends, beginning with a key frame somewhere within the first interval. Each frame goes out at once
// or, if paced, as browsers spread it. lag gets by how much sending is late.
func (s *Stream) Send(ctx context.Context, paced bool, lag *histogram.Histogram) {
	s.WantKey()
	timer := time.NewTimer(0)
	defer timer.Stop()
	wait := func(due time.Duration) bool {
		timer.Reset(due - s.clock.Now())
		select {
		case <-timer.C:
			lag.Record(s.clock.Now() - due)
			return true
		case <-ctx.Done():
			return false
		}
	}
	packet := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32()}}
	buf := make([]byte, 0, synth.MaxPayload)
	for due := s.clock.Now() + rand.N(s.interval); wait(due); due += s.interval {
		packets := s.source.Next(s.keyWanted.CompareAndSwap(true, false))
		for i := range packets {
			if paced && i > 0 && i%s.group == 0 && !wait(due+time.Duration(i/s.group)*paceInterval) {
				return
			}
			counter := s.counter.Load() // only we change it
			packet.Payload = s.source.AppendPacket(buf, i, synth.Stamp{Stream: s.ID, Counter: counter, Sent: s.clock.Now()})
			packet.Marker = i == packets-1
			if s.track.WriteRTP(&packet) != nil {
				return // closed
			}
			s.counter.Store(counter + 1)
			packet.SequenceNumber++
		}
		packet.Timestamp += s.tsStep
	}
}
