package forward

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// MaxLayers is how many simulcast layers a stream has at most.
const MaxLayers = 3

// Upstream is the way back to a stream's publisher.
type Upstream interface {
	// RequestKeyframe sends a PLI for ssrc. Requests come throttled already. It is false if there is no way to the publisher now: the
	// request is to come again.
	RequestKeyframe(ssrc uint32) (sent bool)
	// SendNACK asks for packets of ssrc again. seqs, in ascending order, is valid during the call only.
	SendNACK(ssrc uint32, seqs []uint16)
}

// StreamObserver hears what is worth telling about a stream.
type StreamObserver interface {
	// Receiving says that media of a layer begins to arrive, or has stopped to.
	Receiving(layer int, receiving bool)
	// Talking says that the publisher begins or stops to talk; level is the mean that decided it, in -dBov.
	Talking(talking bool, level float64)
}

// StreamConfig is what a stream is made with.
type StreamConfig struct {
	Codec codec.Codec
	// Layers is 1, or 2 or 3 for simulcast.
	Layers int
	// SVC says that the one layer carries several spatial or temporal ones; legs then heed Targets.SpatialLayer and
	// TemporalLayer. VP9, and AV1 with dependency descriptors.
	SVC bool
	// Opaque says that key frames may not be recognised, since payloads are encrypted end to end; a stream of one
	// layer is then relayed from any packet on.
	Opaque bool
	// NACK says that the publisher answers NACKs, by RTX or by sending again.
	NACK bool
	// KeyframeEvery is the longest time without a key frame, seen or asked for; 0 for no limit (fir_freq).
	KeyframeEvery time.Duration
	// NoMedia says how long a layer has to be silent until it counts as not receiving, which is checked each second: 0 for
	// never, as is nil. It may say something else each time.
	NoMedia func() time.Duration
	// Talk is how talking is told; the zero value for not at all.
	Talk Talk
	// Clock is shared by all streams of one publisher. Nil if the stream has no sisters.
	Clock *PublisherClock
	// Wanted, if set, is told which layers legs want when that changes; see WantedLayers.
	Wanted func(layers uint8)

	Upstream Upstream       // must be set
	Observer StreamObserver // must be set
}

// Stream is one m= section of a publisher. See the package comment for who may call it.
type Stream struct {
	cfg          StreamConfig
	size         ringSize
	layers       []layer
	legs         []*Leg
	taps         []*Tap
	relaying     bool
	quiet        bool
	burst        uint32 // counts Flush; marks what came in one burst
	talk         talkMeter
	playoutDelay *packet.PlayoutDelay // set: instead of what packets say
	nacks        []uint16             // scratch
	scratch      []byte               // likewise, of legs: a dependency descriptor
	blocks       []codec.REDBlock     // likewise
	legCheck     time.Duration        // when legs are to be looked at next
	mediaCheck   time.Duration        // likewise media state
	wanted       uint8                // layers, as last told
	incoming     slot                 // scratch, of a packet of another node
}

// NewStream returns a stream without packets and legs. Rings are allocated when a layer's first packet arrives.
func NewStream(cfg StreamConfig) *Stream {
	if cfg.Clock == nil {
		cfg.Clock = new(PublisherClock)
	}
	s := &Stream{cfg: cfg, size: videoRing, layers: make([]layer, cfg.Layers), relaying: true, burst: 1}
	if cfg.Codec.Audio() {
		s.size = audioRing
	}
	s.talk.set(cfg.Talk)
	return s
}

// Layers returns how many layers the stream was made with.
func (s *Stream) Layers() int { return len(s.layers) }

// Receive takes a packet of a layer, 0 being the lowest, into the layer's ring; p.Arrival must be set. Nothing of p
// is kept. A new SSRC is a restart of the layer's source, as are timestamps that jump: legs go on from its next key
// frame.
func (s *Stream) Receive(layer int, p *packet.Packet) { s.receive(layer, p) }

// receive returns what it has stored, or nil.
func (s *Stream) receive(layer int, p *packet.Packet) *slot {
	y := &s.layers[layer]
	if y.highest == 0 {
		y.keyframes.latest = p.Arrival
	}
	rate := s.cfg.Codec.ClockRate()
	seq, ok := y.accept(p, rate)
	if !ok {
		return nil
	}
	y.reception.packet(seq, p.Timestamp, p.Arrival, rate)
	y.follow(seq, p.Arrival, s.cfg.NACK)
	return s.take(layer, p, seq)
}

// ReceiveRTX takes an RTX packet (RFC 4588) of a layer: what it repeats enters the ring as if it came late. p is
// changed.
func (s *Stream) ReceiveRTX(layer int, p *packet.Packet) {
	y := &s.layers[layer]
	if !p.Unwrap(y.stats.SSRC, p.PayloadType) {
		return
	}
	seq, ok := y.acceptRepeat(p)
	if !ok {
		return
	}
	y.follow(seq, p.Arrival, s.cfg.NACK)
	s.take(layer, p, seq)
}

// take stores an accepted packet and looks at what else it says.
func (s *Stream) take(layer int, p *packet.Packet, seq uint64) *slot {
	y := &s.layers[layer]
	y.stats.Packets++
	y.stats.Bytes += uint64(len(p.Payload))
	y.stats.LastPacket = p.Arrival
	t := y.store(p, seq, s.burst, s.cfg.Codec, s.size)
	y.rates.count(&t.desc, len(p.Payload), p.Arrival)
	if s.playoutDelay != nil {
		t.ext.PlayoutDelay = *s.playoutDelay
		t.ext.Present |= packet.HasPlayoutDelay
	}
	if t.ext.Present.Has(packet.HasAbsCaptureTime) {
		s.cfg.Clock.relate(&t.ext.AbsCaptureTime)
	}
	if !y.stats.Receiving {
		y.stats.Receiving = true
		s.cfg.Observer.Receiving(layer, true)
	}
	if s.relaying && p.Ext.Present.Has(packet.HasAudioLevel) {
		if mean, changed := s.talk.level(p.Ext.AudioLevel.Level); changed {
			s.cfg.Observer.Talking(s.talk.talking, mean)
		}
	}
	return t
}

// Flush ends a burst: leg by leg, all that has been received since the last Flush goes out, and what is seen to be
// missing is asked for.
func (s *Stream) Flush(now time.Duration) {
	for _, l := range s.legs {
		l.relay(now)
	}
	for _, t := range s.taps {
		t.relay()
	}
	for i := range s.layers {
		y := &s.layers[i]
		if len(y.burst) == 0 {
			continue
		}
		y.burst, y.burstKeyframe = y.burst[:0], false
		s.repair(y, now)
	}
	s.burst++
}

// Repairing is true while packets are missing that are to be asked for again.
func (s *Stream) Repairing() bool {
	for i := range s.layers {
		if len(s.layers[i].loss.packets) > 0 {
			return true
		}
	}
	return false
}

// Tick does what is due: NACKs again, key-frame requests that had to wait, media and layer time-outs. To be called
// every 50 ms while packets come and for 3 s after, every 10 to 20 ms of these while Repairing, else each second.
func (s *Stream) Tick(now time.Duration) {
	if now >= s.legCheck {
		s.legCheck = now + legCheckInterval
		s.checkLegs(now)
		s.wantedChanged() // a leg has got to a lower layer
	}
	for i := range s.layers {
		y := &s.layers[i]
		if y.highest == 0 {
			continue
		}
		y.rates.tick(now, now-y.stats.LastPacket > rateGone)
		s.repair(y, now)
		s.askKeyframe(y, now)
	}
	if now >= s.mediaCheck {
		s.mediaCheck = now + mediaCheckInterval
		s.checkMedia(now)
	}
}

// checkLegs has them follow layers. Audio has none.
func (s *Stream) checkLegs(now time.Duration) {
	if s.cfg.Codec.Audio() {
		return
	}
	for _, l := range s.legs {
		l.tick(now)
	}
}

// repair sends the NACKs that are due.
func (s *Stream) repair(y *layer, now time.Duration) {
	if len(y.loss.packets) == 0 {
		return
	}
	s.nacks = y.loss.due(s.nacks[:0], now)
	if len(s.nacks) > 0 {
		y.stats.NACKs += uint64(len(s.nacks))
		s.cfg.Upstream.SendNACK(y.stats.SSRC, s.nacks)
	}
}

// Close disconnects all legs. The stream must not be used any more.
func (s *Stream) Close(now time.Duration) {
	for len(s.legs) > 0 {
		s.legs[len(s.legs)-1].Disconnect(now)
	}
}

// RequestKeyframe asks the publisher for a key frame on all layers, each at most once a second: a request within the
// second is remembered and sent when it is over, unless a key frame has come by itself.
func (s *Stream) RequestKeyframe(now time.Duration) {
	for i := range s.layers {
		s.requestKeyframe(i, now)
	}
}

func (s *Stream) requestKeyframe(layer int, now time.Duration) {
	if s.cfg.Codec.Audio() {
		return
	}
	y := &s.layers[layer]
	y.keyframes.request()
	s.askKeyframe(y, now)
}

// askKeyframe sends the request that is due, if the layer's SSRC is known already.
func (s *Stream) askKeyframe(y *layer, now time.Duration) {
	if y.highest == 0 || s.cfg.Codec.Audio() {
		return
	}
	if y.keyframes.due(now, s.cfg.KeyframeEvery) && s.cfg.Upstream.RequestKeyframe(y.stats.SSRC) {
		y.stats.PLIs++
		y.keyframes.sent(now)
	}
}

// SetRelay says whether legs get what arrives. At first they do. While they do not, Talking is silent too. Turning
// it on asks for a key frame.
func (s *Stream) SetRelay(on bool, now time.Duration) {
	if s.relaying == on {
		return
	}
	s.relaying = on
	for _, l := range s.legs {
		l.leaveLayer()
	}
	if on {
		s.RequestKeyframe(now)
	}
}

// Relaying reports what SetRelay has set.
func (s *Stream) Relaying() bool { return s.relaying }

// SetQuiet says whether legs get nothing for the time being since others are louder. Talking goes on being told. For
// audio only.
func (s *Stream) SetQuiet(on bool) {
	if s.quiet == on {
		return
	}
	s.quiet = on
	for _, l := range s.legs {
		if !l.cfg.Quiet {
			l.leaveLayer()
		}
	}
}

// SetTalk changes how talking is told.
func (s *Stream) SetTalk(t Talk) { s.talk.set(t) }

// SetPlayoutDelay overrides what packets say of it, for all legs; nil for no override.
func (s *Stream) SetPlayoutDelay(d *packet.PlayoutDelay) { s.playoutDelay = d }

// SenderReport takes the publisher's SR for a layer: ntp and rtp name the same instant.
func (s *Stream) SenderReport(layer int, ntp uint64, rtp uint32, now time.Duration) {
	y := &s.layers[layer]
	y.reception.senderReport(ntp, now)
	y.srNTP, y.srTS, y.srKnown = ntp, rtp, true
	s.cfg.Clock.observe(ntp, now)
}

// AppendReports appends a reception report (RFC 3550, section 6.4.1) for each layer that has received packets
// since the last call.
func (s *Stream) AppendReports(dst []rtcp.ReceptionReport, now time.Duration) []rtcp.ReceptionReport {
	for i := range s.layers {
		if r, ok := s.layers[i].reception.report(now); ok {
			dst = append(dst, r)
		}
	}
	return dst
}
