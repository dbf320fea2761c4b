package congestion

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// historySize is how many packets wait for feedback at most: two seconds of 10 Mbit/s. A power of two.
const historySize = 2048

// sendUnit is what times of sending are kept in. 32 bits of it are twelve hours.
const sendUnit = 10 * time.Microsecond

// sentPacket is one that was sent.
type sentPacket struct {
	at    uint32 // in sendUnit, modulo
	size  uint16 // of the datagram, in bytes; 0 if none was sent under this number
	probe uint8  // number of the probe that it was part of; 0 for none
	fate  fate
}

// fate is what feedback has said of a packet.
type fate uint8

const (
	fateUnknown fate = iota
	fateLost
	fateArrived
)

// history is the packets sent last, by transport-wide sequence number. Its zero value is ready; the memory comes with
// the first packet.
type history struct {
	packets *[historySize]sentPacket
	next    uint64 // extended sequence number; below packet.FirstCycle before the first packet
}

func (h *history) at(seq uint64) *sentPacket { return &h.packets[seq%historySize] }

// begin gives the next packet its number.
func (h *history) begin(now time.Duration, probe uint8) uint16 {
	if h.packets == nil {
		h.packets = new([historySize]sentPacket)
		h.next = max(h.next, packet.FirstCycle)
	}
	h.next++
	*h.at(h.next - 1) = sentPacket{at: uint32(now / sendUnit), probe: probe}
	return uint16(h.next - 1)
}

// sized says how large the packet was that has the last number.
func (h *history) sized(size int) { h.at(h.next - 1).size = uint16(size) }

// find returns the packet that feedback means, if it is still known.
func (h *history) find(seq uint16) (*sentPacket, uint64) {
	if h.packets == nil {
		return nil, 0
	}
	ext := packet.Nearest(h.next-1, seq)
	if ext >= h.next || ext+historySize < h.next || ext < packet.FirstCycle {
		return nil, 0
	}
	p := h.at(ext)
	if p.size == 0 {
		return nil, 0
	}
	return p, ext
}

// sentAt returns when a packet was sent, on the node's clock.
func (p *sentPacket) sentAt(now time.Duration) time.Duration {
	return now - time.Duration(uint32(now/sendUnit)-p.at)*sendUnit
}
