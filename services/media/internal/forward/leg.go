package forward

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// Sender takes the packets of one subscriber's legs.
type Sender interface {
	// Buffer returns a slice of length 0 and a capacity of at least packet.MaxSize plus 100 bytes, in which the leg
	// writes its next packet. It may be dropped unused.
	Buffer() []byte
	// SendRTP sends b, a whole packet in plaintext, which the leg wrote into the last Buffer and no longer uses. The
	// sender may encrypt it in place.
	SendRTP(b []byte)
	// NextTransportSeq returns the next transport-wide sequence number of the subscriber's connection. It is asked
	// once for each packet that carries it, just before SendRTP.
	NextTransportSeq() uint16
}

// LegObserver hears which layers a leg relays. Calls are made on change only, with the layer that is relayed now.
type LegObserver interface {
	// SubstreamChanged and TemporalChanged are told of simulcast streams.
	SubstreamChanged(substream int)
	TemporalChanged(temporal int)
	// SVCChanged is told of SVC streams.
	SVCChanged(spatial, temporal int)
}

// LegConfig is what a leg is made with: what its m= section negotiated.
type LegConfig struct {
	Codec       codec.Codec
	SSRC        uint32
	PayloadType uint8
	// RTXSSRC and RTXPayloadType are of the retransmission stream (RFC 4588); both 0 if there is none.
	RTXSSRC        uint32
	RTXPayloadType uint8
	// NACK says that NACKs are answered. If there is no RTX, packets are sent again bit by bit the same, as SRTP
	// demands of a repeated sequence number; they then carry neither abs-send-time nor a transport sequence number.
	NACK       bool
	Extensions packet.ExtensionIDs
	MID        string // written into each packet, if Extensions.MID is set

	Sender   Sender
	Observer LegObserver
}

// Targets are the layers that a subscriber wants, each 0 to 2, 2 being the best there is.
type Targets struct {
	Substream     int           // of simulcast
	Temporal      int           // of simulcast
	Fallback      time.Duration // silence of a layer after which the next lower is taken; 0 for 250 ms
	SpatialLayer  int           // of SVC
	TemporalLayer int           // of SVC
}

// BestLayers are the targets of a leg that has not been told others.
var BestLayers = Targets{Substream: 2, Temporal: 2, SpatialLayer: 2, TemporalLayer: 2}

// Leg is a subscriber's end of one m= section. What it sends is one continuous RTP stream, whatever it is connected
// to. See the package comment for who may call it.
type Leg struct {
	cfg LegConfig
}

// NewLeg returns a leg that is connected to nothing and does not flow.
func NewLeg(cfg LegConfig) *Leg { return &Leg{cfg: cfg} }

// Connect makes s the source, in the place of the one before. Video goes on at the next key frame, which is asked for
// if the leg flows.
func (l *Leg) Connect(s *Stream, now time.Duration) {}

// Disconnect leaves the source, if there is one.
func (l *Leg) Disconnect(now time.Duration) {}

// Source returns what the leg is connected to, or nil.
func (l *Leg) Source() *Stream { return nil }

// SetFlowing says whether packets go out: the subscriber is up, has accepted the m= section, wants it, and has not
// paused. At first they do not. Turning it on asks for a key frame.
func (l *Leg) SetFlowing(on bool, now time.Duration) {}

// SetTargets sets which layers the subscriber wants, and asks for a key frame where that takes one.
func (l *Leg) SetTargets(t Targets, now time.Duration) {}

// Limit bounds the layers from above, whatever the targets: what the subscriber's bandwidth allows. 2 is no limit.
func (l *Leg) Limit(substream, temporal int, now time.Duration) {}

// SetPlayoutDelay overrides what the source says of it; nil for no override.
func (l *Leg) SetPlayoutDelay(d *packet.PlayoutDelay) {}

// Reconfigure changes what was negotiated, as an answer may: payload types and extension numbers. SSRCs, codec and
// Sender must be those of before.
func (l *Leg) Reconfigure(cfg LegConfig) {}

// RequestKeyframe passes the subscriber's PLI or FIR on, throttled; see Stream.RequestKeyframe.
func (l *Leg) RequestKeyframe(now time.Duration) {}

// HandleNACK sends packets of the leg's SSRC again, as far as they are still held and the budget for it allows.
func (l *Leg) HandleNACK(seqs []uint16, now time.Duration) {}

// HandleReport takes the subscriber's reception report on the leg's SSRC; others are ignored.
func (l *Leg) HandleReport(r *rtcp.ReceptionReport, now time.Duration) {}

// SenderReport returns an SR (RFC 3550, section 6.4.1) of what was sent, and false if nothing ever was. Its
// timestamps follow the publisher's SRs as soon as there are any, so that sound and picture of one publisher can be
// lined up.
func (l *Leg) SenderReport(now time.Duration) (rtcp.SenderReport, bool) {
	return rtcp.SenderReport{}, false
}

// Drop is why a packet did not go out.
type Drop uint8

// The reasons.
const (
	DropNotFlowing Drop = iota // paused, not ready, or the publisher's relay is off
	DropOtherLayer             // of a simulcast layer not chosen
	DropNoKeyframe             // waiting for a key frame to start at
	DropTemporal               // above the temporal layer chosen
	DropSpatial                // above the spatial layer chosen
	DropEmpty                  // padding only
	DropLate                   // too late to have a place in what was sent
	DropUnparsable             // a payload that contradicts its format
	DropOversized              // would be longer than packet.MaxSize when rewritten
	drops
)

// Drops is how many reasons there are.
const Drops = int(drops)

// LegStats counts what happened on a leg since it was made.
type LegStats struct {
	Packets       uint64 // sent, without retransmissions
	Bytes         uint64 // of payload, likewise
	Retransmitted uint64
	NACKs         uint64 // packets asked for, each time
	NACKMisses    uint64 // asked for, and not held or not known
	NACKOverspent uint64 // asked for, and beyond the budget
	PLIs          uint64
	Lost          uint64        // by the subscriber's reports; grows only
	FractionLost  uint8         // of the last report, 1/256
	Jitter        time.Duration // of the last report
	RTT           time.Duration // of the last report that had one
	Dropped       [Drops]uint64
	Substream     int // relayed now; -1 for none yet
	Temporal      int // likewise
}

// Stats returns the counters.
func (l *Leg) Stats() LegStats { return LegStats{} }
