package transport

import (
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/relay"
)

// peerSender is where the leg of a benchmark sends.
type peerSender struct {
	*Peer
	seq uint16
}

func (p *peerSender) NextTransportSeq(time.Duration) uint16 { p.seq++; return p.seq }

// nobody observes.
type nobody struct{}

func (nobody) SubstreamChanged(int)        {}
func (nobody) TemporalChanged(int)         {}
func (nobody) SpatialLayerChanged(int)     {}
func (nobody) TemporalLayerChanged(int)    {}
func (nobody) RequestKeyframe(uint32) bool { return true }
func (nobody) SendNACK(uint32, []uint16)   {}
func (nobody) Receiving(int, bool)         {}
func (nobody) Talking(bool, float64)       {}

// BenchmarkSending shows what a packet costs that goes to a subscriber, and one that goes to another node: in bursts of six,
// as those of one video frame, system calls included. Nobody reads what is sent.
func BenchmarkSending(b *testing.B) {
	const burst = 6
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer sink.Close()
	to := sink.LocalAddr().(*net.UDPAddr).AddrPort()
	run := func(b *testing.B, w *Worker, s *forward.Stream, send func(now time.Duration)) {
		now := time.Hour
		p := &packet.Packet{Header: packet.Header{SSRC: 1}, Payload: make([]byte, 1100), Arrival: now}
		copy(p.Payload, []byte{0x10, 0}) // VP8: the start of a key frame
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			for range burst {
				s.Receive(0, p)
				p.Seq++
			}
			send(p.Arrival)
			s.Flush(p.Arrival)
			w.socket.flush()
			p.Arrival += 5 * time.Millisecond
			p.Payload[2] = 1 // no key frame
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(burst*b.N), "ns/packet")
	}
	stream := func() *forward.Stream {
		return forward.NewStream(forward.StreamConfig{Codec: codec.VP8, Layers: 1, Upstream: nobody{}, Observer: nobody{}})
	}
	b.Run("to a subscriber", func(b *testing.B) {
		w, s := idleWorker(b), stream()
		p := w.NewPeer(new(listener), slog.New(slog.DiscardHandler))
		if err := p.useKeys(testKeys(b, srtp.ProtectionProfileAeadAes128Gcm)); err != nil {
			b.Fatal(err)
		}
		p.find(path{addr: to}, p.local.Ufrag, true, 0)
		l := forward.NewLeg(forward.LegConfig{
			Codec: codec.VP8, SSRC: 7, PayloadType: 96, RTXSSRC: 8, RTXPayloadType: 97, NACK: true, MID: "0",
			Extensions: packet.ExtensionIDs{MID: 1, TransportCC: 2, AbsSendTime: 3}, Sender: &peerSender{Peer: p}, Observer: nobody{},
		})
		l.Connect(s, time.Hour)
		l.SetFlowing(true, time.Hour)
		run(b, w, s, func(time.Duration) {})
		if sent := l.Stats().Packets; sent < uint64(b.N) {
			b.Errorf("%d packets", sent)
		}
	})
	b.Run("to another node", func(b *testing.B) {
		w, s := idleWorker(b), stream()
		out, err := w.NewRelaySender(to, 7, NewRelayKey())
		if err != nil {
			b.Fatal(err)
		}
		var sent relay.Sent
		run(b, w, s, func(time.Duration) {
			for _, seq := range s.Received(0) {
				number := out.Send(s.AppendPacket(relay.AppendHead(out.Buffer(), relay.Packet, 1, 0), 0, seq))
				sent.Note(number, relay.Item{Kind: relay.Packet, Stream: 1, Seq: seq})
			}
		})
		if out.Sent() < uint64(b.N) {
			b.Errorf("%d packets", out.Sent())
		}
	})
}
