package feedback

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pion/rtcp"
)

// ErrMalformed is returned for RTCP whose lengths do not add up.
var ErrMalformed = errors.New("malformed RTCP")

// Handler says what is done with what an endpoint's RTCP says. Funcs may be nil. Slices and pointers are valid during
// the call only.
type Handler struct {
	// NACK asks for packets of ssrc again.
	NACK func(ssrc uint32, seqs []uint16)
	// KeyframeRequest is a PLI or FIR.
	KeyframeRequest func(ssrc uint32)
	// ReceptionReport is one block of an SR or RR.
	ReceptionReport func(r *rtcp.ReceptionReport)
	// SenderReport says that ntp and rtp name the same instant.
	SenderReport func(ssrc uint32, ntp uint64, rtp uint32)
	// Arrivals says which packets came, and when.
	Arrivals func(a *Arrivals)
	// REMB says how many bits a second the endpoint believes that it can receive.
	REMB func(bps uint64)

	seqs     []uint16 // scratch, like the next
	arrivals Arrivals
}

// rtcpHeaderSize is the length of what each packet of a compound begins with, in bytes.
const rtcpHeaderSize = 4

// maxREMB is more than any endpoint can mean, in bits a second; the field goes beyond what an uint64 holds.
const maxREMB = 1 << 40

// Handle reads a decrypted RTCP datagram and calls the handler for each thing it says. The error wraps what is wrong
// with it; what came before is done.
func (h *Handler) Handle(b []byte) error {
	for len(b) > 0 {
		if len(b) < rtcpHeaderSize {
			return ErrMalformed
		}
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if size > len(b) {
			return ErrMalformed
		}
		if err := h.read(b[:size]); err != nil {
			return fmt.Errorf("read RTCP of type %d: %w", b[1], err)
		}
		b = b[size:]
	}
	return nil
}

// read takes one packet of a compound. Transport-wide feedback, which is frequent and speaks of every packet, is read
// in place.
func (h *Handler) read(b []byte) error {
	if rtcp.PacketType(b[1]) == rtcp.TypeTransportSpecificFeedback && b[0]&0x1f == rtcp.FormatTCC {
		var err error
		if h.arrivals, err = NewArrivals(b); err == nil && h.Arrivals != nil {
			h.Arrivals(&h.arrivals)
		}
		return err
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return err
	}
	for _, p := range packets {
		h.handle(p)
	}
	return nil
}

func (h *Handler) handle(p rtcp.Packet) {
	switch p := p.(type) {
	case *rtcp.TransportLayerNack:
		h.nack(p)
	case *rtcp.PictureLossIndication:
		h.keyframe(p.MediaSSRC)
	case *rtcp.FullIntraRequest:
		for _, entry := range p.FIR {
			h.keyframe(entry.SSRC)
		}
	case *rtcp.ReceiverEstimatedMaximumBitrate:
		if h.REMB != nil {
			h.REMB(uint64(min(p.Bitrate, maxREMB)))
		}
	case *rtcp.SenderReport:
		if h.SenderReport != nil {
			h.SenderReport(p.SSRC, p.NTPTime, p.RTPTime)
		}
		h.reports(p.Reports)
	case *rtcp.ReceiverReport:
		h.reports(p.Reports)
	}
}

// nack spells a NACK's pairs out (RFC 4585, section 6.2.1).
func (h *Handler) nack(p *rtcp.TransportLayerNack) {
	if h.NACK == nil {
		return
	}
	h.seqs = h.seqs[:0]
	for _, pair := range p.Nacks {
		h.seqs = append(h.seqs, pair.PacketID)
		for i := range uint16(16) {
			if pair.LostPackets&(1<<i) != 0 {
				h.seqs = append(h.seqs, pair.PacketID+i+1)
			}
		}
	}
	h.NACK(p.MediaSSRC, h.seqs)
}

func (h *Handler) keyframe(ssrc uint32) {
	if h.KeyframeRequest != nil {
		h.KeyframeRequest(ssrc)
	}
}

func (h *Handler) reports(blocks []rtcp.ReceptionReport) {
	if h.ReceptionReport == nil {
		return
	}
	for i := range blocks {
		h.ReceptionReport(&blocks[i])
	}
}
