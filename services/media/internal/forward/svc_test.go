package forward

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// picture gives a stream the packets of one VP9 picture in three spatial layers, one for each.
func picture(s *Stream, n int, temporal uint8, keyframe bool, at time.Duration) {
	pictureOf(s, 3, n, temporal, keyframe, at)
}

// pictureOf is picture with fewer spatial layers; the packets of the others are as if lost.
func pictureOf(s *Stream, layers, n int, temporal uint8, keyframe bool, at time.Duration) {
	for spatial := range layers {
		flags := byte(0x80 | 0x20 | 0x08 | 0x04) // picture id, layer indices, begin, end
		if !keyframe {
			flags |= 0x40
		}
		b := []byte{flags, 0x80 | byte(n>>8), byte(n), temporal<<5 | 0x10 | byte(spatial)<<1, byte(n / 2), 0}
		p := packet.Packet{
			Header:  packet.Header{SSRC: 1, Seq: uint16(3*n + spatial), Timestamp: uint32(3000 * n), Marker: spatial == layers-1},
			Payload: binary.BigEndian.AppendUint16(b, uint16(n)), Arrival: at,
		}
		s.Receive(0, &p)
	}
	s.Flush(at)
}

func TestSpatialLayersAreCutAtPicturesAndComeBackAtKeyframes(t *testing.T) {
	p := new(publisher)
	cfg := p.config(codec.VP9, 1)
	cfg.SVC = true
	s := NewStream(cfg)
	l, sub := newLeg(t, codec.VP9)
	l.Connect(s, start)
	l.SetFlowing(true, start)

	var perPicture []int
	give := func(n int, keyframe bool) {
		before := len(sub.sent)
		picture(s, n, uint8(n%2), keyframe, start+time.Duration(n)*frameTime)
		perPicture = append(perPicture, len(sub.sent)-before)
		if len(sub.sent) > before && !sub.sent[len(sub.sent)-1].Marker {
			t.Errorf("picture %d does not end with a marker", n)
		}
	}
	give(0, true)
	give(1, false)
	l.SetTargets(Targets{SpatialLayer: 0, TemporalLayer: 1}, start)
	give(2, false)
	p.plis = nil
	l.SetTargets(Targets{SpatialLayer: 1, TemporalLayer: 0}, start+time.Minute)
	if len(p.plis) != 1 {
		t.Errorf("asked for %d key frames to go up, want 1", len(p.plis))
	}
	give(3, false)
	s.Tick(start + time.Minute)
	give(4, false)
	give(6, true)
	if want := []int{3, 3, 1, 0, 1, 2}; !slices.Equal(perPicture, want) {
		t.Errorf("packets of each picture: %v, want %v", perPicture, want)
	}
	var want []int
	var gap int
	for i := range sub.sent {
		if i >= 8 { // picture 5 was lost, and nobody knows what of it would have been left out
			gap = 3
		}
		want = append(want, i+gap)
	}
	if got := sub.seqs(); !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	if len(sub.substreams)+len(sub.temporals) != 0 || !slices.Equal(sub.spatialLayers, []int{2, 0, 1}) ||
		!slices.Equal(sub.temporalLayers, []int{0, 1, 0}) {
		t.Errorf("told of %v %v %v %v", sub.substreams, sub.temporals, sub.spatialLayers, sub.temporalLayers)
	}
}

func TestToldIsWhatThePublisherHas(t *testing.T) {
	for name, c := range map[string]struct {
		layers            func(n int) (spatial int, temporal uint8) // of each picture
		spatial, temporal []int
	}{
		"two spatial layers": {func(int) (int, uint8) { return 2, 0 }, []int{1}, []int{0}},
		"temporal layers":    {func(n int) (int, uint8) { return 1, uint8(n % 2) }, []int{0}, []int{1}},
		"no layers":          {func(int) (int, uint8) { return 1, 0 }, nil, nil},
		"fewer layers, then more": {func(n int) (int, uint8) {
			if n/15 == 1 {
				return 1, 0
			}
			return 2, 0
		}, []int{1, 0, 1}, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			p := new(publisher)
			cfg := p.config(codec.VP9, 1)
			cfg.SVC = true
			s := NewStream(cfg)
			l, sub := newLeg(t, codec.VP9)
			l.Connect(s, start)
			l.SetFlowing(true, start)
			for n := range 40 {
				spatial, temporal := c.layers(n)
				pictureOf(s, spatial, n, temporal, n == 0, start+time.Duration(n)*frameTime)
			}
			if !slices.Equal(sub.spatialLayers, c.spatial) || !slices.Equal(sub.temporalLayers, c.temporal) {
				t.Errorf("told of %v and %v, want %v and %v", sub.spatialLayers, sub.temporalLayers, c.spatial, c.temporal)
			}
		})
	}
}
