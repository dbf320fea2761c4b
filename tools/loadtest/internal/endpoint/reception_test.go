package endpoint

import (
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/cardea-rtc/cardea/tools/internal/dtlssrtp"
	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/tally"
)

// server seals what a server would send to one subscriber.
type server struct {
	t   *testing.T
	out *srtp.Context
	seq uint16
}

func newReception(t *testing.T, firstSeq uint16) (*Subscriber, *server) {
	t.Helper()
	context := func() *srtp.Context {
		c, err := srtp.CreateContext(make([]byte, 32), make([]byte, 12), srtp.ProtectionProfileAeadAes256Gcm)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	s := &Subscriber{
		Tallies: map[synth.StreamID]*tally.Tally{3: {}}, delivery: &Delivery{}, media: make(chan struct{}),
		offer: &offer{}, streams: map[uint32]*inbound{}, transport: twcc.NewRecorder(1), keys: &dtlssrtp.Keys{Inbound: context()},
	}
	s.offer.kinds[111] = audioMedia
	return s, &server{t, context(), firstSeq}
}

// next seals the packet of a counter of stream 3, or one of padding alone.
func (s *server) next(counter uint32, padding bool) []byte {
	s.t.Helper()
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: s.seq, SSRC: 9}}
	s.seq++
	if padding {
		p.Padding, p.PaddingSize = true, 200
	} else {
		p.Payload = synth.Opus{}.AppendPacket(nil, 0, synth.Stamp{Stream: 3, Counter: counter})
	}
	plain, err := p.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	sealed, err := s.out.EncryptRTP(nil, plain, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return sealed
}

func TestPacketsThatAreNotReadCountAsWhatTheirNumberSays(t *testing.T) {
	const packets = 5000
	for _, first := range []uint16{0, 32767, 65000} {
		s, from := newReception(t, first)
		var sent, lost, padding uint64
		for counter := range uint32(packets) {
			if counter%50 == 7 { // before it the server probes
				padding++
				s.receiveRTP(from.next(0, true), time.Second)
			}
			b := from.next(counter, false)
			if counter%10 == 3 {
				lost++
				continue
			}
			sent++
			s.receiveRTP(b, time.Second)
		}
		d := s.delivery
		if got := s.Tallies[3].Between(0, packets); got != sent || d.Packets.Load() != sent {
			t.Errorf("from %d: %d and %d of %d", first, got, d.Packets.Load(), sent)
		}
		if d.Padding.Load() != padding || d.Renumbered.Load() != 0 || d.Foreign.Load() != 0 {
			t.Errorf("from %d: %d padding, %d renumbered, %d foreign", first, d.Padding.Load(), d.Renumbered.Load(), d.Foreign.Load())
		}
		if n := d.Verified.Load(); n < packets/VerifiedShare*7/10 || n > packets/VerifiedShare*12/10 {
			t.Errorf("from %d: %d verified", first, n)
		}
	}
}

func TestForgedPacketsAreForeign(t *testing.T) {
	s, from := newReception(t, 0)
	b := from.next(0, false)
	b[len(b)-1] ^= 1
	s.receiveRTP(b, time.Second)
	if s.delivery.Foreign.Load() != 1 || s.delivery.Packets.Load() != 0 {
		t.Errorf("%d foreign, %d counted", s.delivery.Foreign.Load(), s.delivery.Packets.Load())
	}
}
