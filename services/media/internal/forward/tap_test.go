package forward

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// TestTapGetsOneLayerAsItCame: numbers and timestamps are the publisher's, over its wrap.
func TestTapGetsOneLayerAsItCame(t *testing.T) {
	p := new(publisher)
	s := NewStream(p.config(codec.VP8, 3))
	out := &subscriber{t: t}
	tap := NewTap(s, TapConfig{Layer: 1, PayloadType: 100, Sender: out})
	other := &subscriber{t: t}
	NewTap(s, TapConfig{Layer: 2, SSRC: 7, PayloadType: 101, Sender: other})
	at := start
	first := uint16(65530)
	for n := range uint16(12) {
		at += 30 * time.Millisecond
		for layer := range 3 {
			s.Receive(layer, frame{seq: first + n, ts: uint32(n) * 3000}.packet(layer, at))
		}
		s.Flush(at)
	}
	if len(out.sent) != 12 || len(other.sent) != 12 {
		t.Fatalf("%d and %d packets", len(out.sent), len(other.sent))
	}
	for i, got := range out.sent {
		if got.Seq != first+uint16(i) || got.Timestamp != uint32(i)*3000 || got.SSRC != 0x101 || got.PayloadType != 100 || !got.Marker {
			t.Errorf("packet %d: %+v", i, got.Header)
		}
	}
	if got := other.sent[0]; got.SSRC != 7 || got.PayloadType != 101 {
		t.Errorf("overridden: %+v", got.Header)
	}
	s.SetRelay(false, at)
	give(s, 1, frame{seq: first + 20}, at)
	s.SetRelay(true, at)
	tap.Close()
	give(s, 1, frame{seq: first + 21}, at)
	if len(out.sent) != 12 {
		t.Errorf("%d packets while off and after the end", len(out.sent)-12)
	}
}

func TestTapTakesRedundancyOff(t *testing.T) {
	s := NewStream(new(publisher).config(codec.Opus, 1))
	out := &subscriber{t: t}
	NewTap(s, TapConfig{PayloadType: 111, Sender: out})
	at := start
	for n := range uint16(3) {
		at += 20 * time.Millisecond
		// One block of 2 bytes, 960 earlier (RFC 2198), then the packet's own.
		payload := []byte{0x80 | 111, 960 >> 6, 960 << 2 & 0xff, 2, 111, 'o', 'o', 'p', byte(n)}
		s.ReceiveRED(0, &packet.Packet{
			Header: packet.Header{SSRC: 1, Seq: n, Timestamp: uint32(n) * 960, PayloadType: 63}, Payload: payload, Arrival: at,
		}, 111)
		s.Flush(at)
	}
	if len(out.sent) != 3 {
		t.Fatalf("%d packets", len(out.sent))
	}
	for i, got := range out.sent {
		if want := string([]byte{'p', byte(i)}); string(got.Payload) != want || got.PayloadType != 111 {
			t.Errorf("packet %d: %q of type %d", i, got.Payload, got.PayloadType)
		}
	}
}

// TestRecorderHearsWhoIsQuiet: a leg that wants all gets what is left out for others.
func TestRecorderHearsWhoIsQuiet(t *testing.T) {
	s, _, _, sub := connected(t, codec.Opus, 1)
	all := &subscriber{t: t}
	l := NewLeg(LegConfig{Codec: codec.Opus, SSRC: legSSRC, PayloadType: 111, Quiet: true, Sender: all, Observer: all})
	l.Connect(s, start)
	l.SetFlowing(true, start)
	at := start
	for n := range uint16(100) {
		at += 20 * time.Millisecond
		s.SetQuiet(n/10%2 == 1)
		give(s, 0, frame{seq: n, ts: uint32(n) * 960}, at)
	}
	if len(sub.sent) != 50 || len(all.sent) != 100 {
		t.Fatalf("%d and %d packets", len(sub.sent), len(all.sent))
	}
	for i, got := range all.sent {
		if got.Timestamp-all.sent[0].Timestamp != uint32(i)*960 || got.Seq-all.sent[0].Seq != uint16(i) {
			t.Errorf("packet %d: %+v", i, got.Header)
		}
	}
}
