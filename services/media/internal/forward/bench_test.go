package forward

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// BenchmarkRelay shows what one packet costs for one subscriber, of a publisher of VP8 with 100 of them and bursts of
// six packets.
func BenchmarkRelay(b *testing.B) {
	const legs, burst = 100, 6
	s := NewStream(new(publisher).config(codec.VP8, 1))
	var far sink
	for i := range legs {
		l := NewLeg(LegConfig{
			Codec: codec.VP8, SSRC: uint32(i), RTXSSRC: 9, NACK: true, Sender: &far, Observer: &far, MID: "0",
			Extensions: packet.ExtensionIDs{MID: 1, TransportCC: 2, AbsSendTime: 3},
		})
		l.Connect(s, start)
		l.SetFlowing(true, start)
	}
	p := frame{keyframe: true}.packet(0, start)
	p.Payload = append(p.Payload, make([]byte, 1000)...)
	b.ReportAllocs()
	for far.packets = 0; far.packets < b.N; {
		for range burst {
			s.Receive(0, p)
			p.Seq++
			p.Arrival += 5 * time.Millisecond
		}
		s.Flush(p.Arrival)
	}
}
