package forward

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	legSSRC = 0x11110000
	rtxSSRC = 0x22220000
	start   = 1_700_000_000 * time.Second // some moment on the node's clock
)

// publisher is the far side of a stream: it notes what it is asked for and told.
type publisher struct {
	plis      []uint32
	nacks     []uint16
	receiving []bool
	talking   []bool
	away      bool // nothing reaches it
}

func (p *publisher) RequestKeyframe(ssrc uint32) bool {
	if !p.away {
		p.plis = append(p.plis, ssrc)
	}
	return !p.away
}

func (p *publisher) SendNACK(_ uint32, seqs []uint16) { p.nacks = append(p.nacks, seqs...) }
func (p *publisher) Receiving(_ int, receiving bool)  { p.receiving = append(p.receiving, receiving) }
func (p *publisher) Talking(talking bool, _ float64)  { p.talking = append(p.talking, talking) }
func (p *publisher) config(c codec.Codec, n int) StreamConfig {
	return StreamConfig{Codec: c, Layers: n, NACK: true, NoMedia: func() time.Duration { return time.Second }, Upstream: p, Observer: p}
}

// subscriber is the far side of a leg: it reads what it is sent.
type subscriber struct {
	t          testing.TB
	buffer     [packet.MaxSize + 100]byte
	ids        packet.ExtensionIDs
	transport  uint16
	sent       []packet.Packet // payloads are copies
	raw        [][]byte
	substreams []int
	temporals  []int

	spatialLayers, temporalLayers []int
}

func (s *subscriber) Buffer() []byte { return s.buffer[:0] }

func (s *subscriber) NextTransportSeq(time.Duration) uint16 { s.transport++; return s.transport }

func (s *subscriber) SendRTP(header, payload []byte) {
	b := slices.Concat(header, payload)
	var p packet.Packet
	if err := p.Parse(b, &s.ids); err != nil {
		s.t.Errorf("sent %x: %v", b, err)
	}
	s.sent, s.raw = append(s.sent, p), append(s.raw, b)
}

func (s *subscriber) SubstreamChanged(n int)     { s.substreams = append(s.substreams, n) }
func (s *subscriber) TemporalChanged(n int)      { s.temporals = append(s.temporals, n) }
func (s *subscriber) SpatialLayerChanged(n int)  { s.spatialLayers = append(s.spatialLayers, n) }
func (s *subscriber) TemporalLayerChanged(n int) { s.temporalLayers = append(s.temporalLayers, n) }

// newLeg returns a leg of a subscriber that takes RTX, and what reads it.
func newLeg(t testing.TB, c codec.Codec) (*Leg, *subscriber) {
	s := &subscriber{t: t, ids: packet.ExtensionIDs{MID: 1, TransportCC: 2, AbsSendTime: 3, AudioLevel: 4, PlayoutDelay: 5, VideoOrientation: 6}}
	return NewLeg(LegConfig{
		Codec: c, SSRC: legSSRC, PayloadType: 96, RTXSSRC: rtxSSRC, RTXPayloadType: 97, NACK: true,
		Extensions: s.ids, MID: "v", Sender: s, Observer: s,
	}), s
}

// connected returns a stream with one leg that flows.
func connected(t testing.TB, c codec.Codec, layers int) (*Stream, *publisher, *Leg, *subscriber) {
	p := new(publisher)
	s := NewStream(p.config(c, layers))
	l, sub := newLeg(t, c)
	l.Connect(s, start)
	l.SetFlowing(true, start)
	return s, p, l, sub
}

// frame is one VP8 packet that is a whole frame.
type frame struct {
	seq       uint16
	ts        uint32
	keyframe  bool
	pictureID uint16
	tl0       uint8
	temporal  uint8
	sync      bool
}

func (f frame) payload() []byte {
	b := []byte{0x90, 0xe0, 0x80 | byte(f.pictureID>>8), byte(f.pictureID), f.tl0, f.temporal << 6, 1}
	if f.sync {
		b[5] |= 0x20
	}
	if f.keyframe {
		b[6] = 0
	}
	return binary.BigEndian.AppendUint16(b, f.seq)
}

func (f frame) packet(layer int, at time.Duration) *packet.Packet {
	return &packet.Packet{
		Header:  packet.Header{SSRC: 0x100 + uint32(layer), Seq: f.seq, Timestamp: f.ts, PayloadType: 120, Marker: true},
		Payload: f.payload(), Arrival: at,
	}
}

// give has a stream receive one frame as a burst.
func give(s *Stream, layer int, f frame, at time.Duration) {
	s.Receive(layer, f.packet(layer, at))
	s.Flush(at)
}

// media returns what was sent on the leg's own SSRC, as extended sequence numbers relative to the first.
func (s *subscriber) seqs() []int {
	var out []int
	var x packet.Extender
	var base uint64
	for _, p := range s.sent {
		if p.SSRC != legSSRC {
			continue
		}
		seq := x.Extend(p.Seq)
		if base == 0 {
			base = seq
		}
		out = append(out, int(int64(seq-base)))
	}
	return out
}

func (s *subscriber) descriptor(i int) codec.Descriptor {
	var d codec.Descriptor
	if err := codec.Describe(codec.VP8, s.sent[i].Payload, &d); err != nil {
		s.t.Errorf("packet %d sent: %v", i, err)
	}
	return d
}
