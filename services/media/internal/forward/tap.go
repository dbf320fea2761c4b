package forward

import (
	"slices"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// TapConfig is what a tap is made with.
type TapConfig struct {
	Layer       int    // of the stream, 0 being the lowest
	SSRC        uint32 // 0: that of the packets
	PayloadType uint8
	Extensions  packet.ExtensionIDs // what is carried of them
	Sender      Sender              // is not asked for transport-wide numbers
}

// Tap gets the packets of one layer as they came, with their sequence numbers and timestamps: what was sent again in
// between, and redundancy taken off. Nobody answers it, and nothing is left out but while the stream is not relayed.
type Tap struct {
	cfg    TapConfig
	source *Stream
}

// NewTap taps a stream, which has the layer.
func NewTap(s *Stream, cfg TapConfig) *Tap {
	t := &Tap{cfg: cfg, source: s}
	s.taps = append(s.taps, t)
	return t
}

// Close ends what the tap gets.
func (t *Tap) Close() {
	t.source.taps = slices.DeleteFunc(t.source.taps, func(other *Tap) bool { return other == t })
}

// relay sends what the current burst has of the layer.
func (t *Tap) relay() {
	y := &t.source.layers[t.cfg.Layer]
	if !t.source.relaying {
		return
	}
	for _, seq := range y.burst {
		p := y.ring.get(seq)
		if p == nil || len(p.payload) == 0 {
			continue
		}
		h := packet.Header{
			SSRC: t.cfg.SSRC, Seq: uint16(p.seq), Timestamp: p.ts, PayloadType: t.cfg.PayloadType, Marker: p.marker,
		}
		if h.SSRC == 0 {
			h.SSRC = y.stats.SSRC
		}
		ext := p.ext
		ext.Present &= carried
		b := packet.AppendHeader(t.cfg.Sender.Buffer(), &h, &t.cfg.Extensions, &ext)
		if payload := p.payload[p.red:]; len(b)+len(payload) <= packet.MaxSize {
			t.cfg.Sender.SendRTP(b, payload)
		}
	}
}
