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
	// RequestKeyframe sends a PLI for ssrc. Requests come throttled already.
	RequestKeyframe(ssrc uint32)
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
	// TemporalLayer. VP9 only, so far.
	SVC bool
	// Opaque says that key frames may not be recognised, since payloads are encrypted end to end; a stream of one
	// layer is then relayed from any packet on.
	Opaque bool
	// NACK says that the publisher answers NACKs, by RTX or by sending again.
	NACK bool
	// KeyframeEvery is the longest time without a key frame, seen or asked for; 0 for no limit (fir_freq).
	KeyframeEvery time.Duration
	// NoMedia is how long a layer has to be silent until it counts as not receiving, checked each second; 0 for never.
	NoMedia time.Duration
	// Talk is how talking is told; the zero value for not at all.
	Talk Talk
	// Clock is shared by all streams of one publisher. Nil if the stream has no sisters.
	Clock *PublisherClock

	Upstream Upstream
	Observer StreamObserver
}

// Talk says how talking is recognised.
type Talk struct {
	Packets int   // a verdict each so many packets
	Level   uint8 // a mean below this is talking, in -dBov
}

// Stream is one m= section of a publisher. See the package comment for who may call it.
type Stream struct {
	cfg StreamConfig
}

// NewStream returns a stream without packets and legs. Rings are allocated when a layer's first packet arrives.
func NewStream(cfg StreamConfig) *Stream {
	return &Stream{cfg: cfg}
}

// Receive takes a packet of a layer, 0 being the lowest, into the layer's ring; p.Arrival must be set. Nothing of p
// is kept. A new SSRC is a restart of the layer's source: legs go on from its next key frame.
func (s *Stream) Receive(layer int, p *packet.Packet) {}

// ReceiveRTX takes an RTX packet (RFC 4588) of a layer: what it repeats enters the ring as if it came late. p is
// changed.
func (s *Stream) ReceiveRTX(layer int, p *packet.Packet) {}

// Flush ends a burst: leg by leg, all that has been received since the last Flush goes out, and what is seen to be
// missing is asked for.
func (s *Stream) Flush(now time.Duration) {}

// Tick does what is due: NACKs again, key-frame requests that had to wait, media and layer time-outs. To be called
// every 10 to 20 ms.
func (s *Stream) Tick(now time.Duration) {}

// Close disconnects all legs. The stream must not be used any more.
func (s *Stream) Close(now time.Duration) {}

// RequestKeyframe asks the publisher for a key frame on all layers, each at most once a second: a request within the
// second is remembered and sent when it is over, unless a key frame has come by itself.
func (s *Stream) RequestKeyframe(now time.Duration) {}

// SetRelay says whether legs get what arrives. At first they do. While they do not, Talking is silent too.
func (s *Stream) SetRelay(on bool, now time.Duration) {}

// SetTalk changes how talking is told.
func (s *Stream) SetTalk(t Talk) {}

// SetPlayoutDelay overrides what packets say of it, for all legs; nil for no override.
func (s *Stream) SetPlayoutDelay(d *packet.PlayoutDelay) {}

// SenderReport takes the publisher's SR for a layer: ntp and rtp name the same instant.
func (s *Stream) SenderReport(layer int, ntp uint64, rtp uint32, now time.Duration) {}

// AppendReports appends a reception report (RFC 3550, section 6.4.1) for each layer that has received packets
// since the last call.
func (s *Stream) AppendReports(dst []rtcp.ReceptionReport, now time.Duration) []rtcp.ReceptionReport {
	return dst
}

// LayerStats counts what happened on one layer since the stream was made.
type LayerStats struct {
	SSRC       uint32 // the latest; 0 before the first packet
	Packets    uint64
	Bytes      uint64 // of payload
	Lost       uint64 // seen to be missing; those that came later are in Recovered too
	Recovered  uint64 // arrived late, or sent again
	Duplicates uint64
	TooLate    uint64 // older than the ring
	Oversized  uint64
	NACKs      uint64 // packets asked for, each time
	PLIs       uint64
	Keyframes  uint64
	Jitter     time.Duration // RFC 3550, section 6.4.1
	LastPacket time.Duration // node's clock; 0 before the first packet
	Receiving  bool
}

// Stats returns the counters of a layer.
func (s *Stream) Stats(layer int) LayerStats { return LayerStats{} }

// Layers returns how many layers the stream was made with.
func (s *Stream) Layers() int { return s.cfg.Layers }
