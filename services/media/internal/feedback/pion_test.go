package feedback

import (
	"time"

	"github.com/pion/rtcp"
)

// packetArrival is one packet of a transport feedback.
type packetArrival struct {
	Seq      uint16
	Received bool
	Arrival  time.Duration // on the endpoint's clock, of unknown origin; only differences mean something
}

// appendArrivals appends what fb says of each packet, in the order of sequence numbers.
func appendArrivals(dst []packetArrival, fb *rtcp.TransportLayerCC) []packetArrival {
	r := arrivalReader{dst: dst, fb: fb, clock: time.Duration(fb.ReferenceTime) * referenceUnit}
	for _, chunk := range fb.PacketChunks {
		switch c := chunk.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				r.next(c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, symbol := range c.SymbolList {
				r.next(symbol)
			}
		}
	}
	return r.dst
}

// arrivalReader walks a feedback's symbols and deltas.
type arrivalReader struct {
	dst     []packetArrival
	fb      *rtcp.TransportLayerCC
	clock   time.Duration
	packets uint16
	deltas  int
}

// next takes the symbol of the next packet, unless all packets are done: the last chunk may be longer than needed.
func (r *arrivalReader) next(symbol uint16) {
	if r.packets == r.fb.PacketStatusCount {
		return
	}
	p := packetArrival{Seq: r.fb.BaseSequenceNumber + r.packets}
	r.packets++
	if symbol != rtcp.TypeTCCPacketNotReceived && r.deltas < len(r.fb.RecvDeltas) {
		r.clock += time.Duration(r.fb.RecvDeltas[r.deltas].Delta) * time.Microsecond
		r.deltas++
		p.Received, p.Arrival = true, r.clock
	}
	r.dst = append(r.dst, p)
}
