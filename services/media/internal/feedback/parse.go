package feedback

import (
	"time"

	"github.com/pion/rtcp"
)

// Handler says what is done with what an endpoint's RTCP says. Funcs may be nil. Slices and pointers are valid during the call only.
type Handler struct {
	// NACK asks for packets of ssrc again.
	NACK func(ssrc uint32, seqs []uint16)
	// KeyframeRequest is a PLI or FIR.
	KeyframeRequest func(ssrc uint32)
	// ReceptionReport is one block of an SR or RR.
	ReceptionReport func(r *rtcp.ReceptionReport)
	// SenderReport says that ntp and rtp name the same instant.
	SenderReport func(ssrc uint32, ntp uint64, rtp uint32)
	// REMB is the endpoint's estimate of what it can receive.
	REMB func(bps uint64, ssrcs []uint32)
	// TransportFeedback says when packets that we numbered arrived.
	TransportFeedback func(*rtcp.TransportLayerCC)
	// Bye says that a source has ended.
	Bye func(ssrc uint32)
}

// Handle reads a decrypted RTCP datagram and calls the handler for each thing it says. The error wraps what is wrong
// with it; what came before is done.
func (h *Handler) Handle(b []byte) error { return nil }

// PacketArrival is one packet of a transport feedback.
type PacketArrival struct {
	Seq      uint16
	Received bool
	Arrival  time.Duration // on the endpoint's clock, of unknown origin; only differences mean something
}

// AppendArrivals appends what fb says of each packet, in the order of sequence numbers.
func AppendArrivals(dst []PacketArrival, fb *rtcp.TransportLayerCC) []PacketArrival { return dst }
