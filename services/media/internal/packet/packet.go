package packet

import (
	"encoding/binary"
	"errors"
	"time"
)

// MaxSize is the longest RTP packet taken or written, in bytes; longer ones are dropped on arrival, as Janus does.
const MaxSize = 1500

const (
	fixedHeaderSize = 12
	version         = 2
)

// ErrMalformed is returned for what is no RTP packet of version 2 or contradicts its own lengths.
var ErrMalformed = errors.New("malformed RTP packet")

// Header is what a packet says of itself, without contributing sources (CSRCs), which are not kept.
type Header struct {
	SSRC        uint32
	Timestamp   uint32 // in units of the stream's clock rate
	Seq         uint16
	PayloadType uint8 // 7 bits
	Marker      bool
}

// Packet is a received packet. Payload and the strings in Ext point into the bytes it was parsed from and live as
// long as those.
type Packet struct {
	Header
	Ext     Extensions
	Payload []byte        // without padding; empty if the packet is nothing but padding
	Arrival time.Duration // when its datagram was read, on the node's clock; set by the reader, not by Parse
}

// Parse reads b into p, overwriting all of it but Arrival. Header extensions are those of ids; others are skipped.
// On error, which is always ErrMalformed, p is undefined.
func (p *Packet) Parse(b []byte, ids *ExtensionIDs) error {
	if len(b) < fixedHeaderSize || b[0]>>6 != version {
		return ErrMalformed
	}
	padded, extended, csrcs := b[0]&0x20 != 0, b[0]&0x10 != 0, int(b[0]&0x0f)
	p.Header = Header{
		SSRC:        binary.BigEndian.Uint32(b[8:]),
		Timestamp:   binary.BigEndian.Uint32(b[4:]),
		Seq:         binary.BigEndian.Uint16(b[2:]),
		PayloadType: b[1] & 0x7f,
		Marker:      b[1]&0x80 != 0,
	}
	p.Ext = Extensions{}

	rest := b[fixedHeaderSize:]
	if len(rest) < 4*csrcs {
		return ErrMalformed
	}
	rest = rest[4*csrcs:]
	if extended {
		if len(rest) < 4 {
			return ErrMalformed
		}
		profile, size := binary.BigEndian.Uint16(rest), 4*int(binary.BigEndian.Uint16(rest[2:]))
		rest = rest[4:]
		if len(rest) < size {
			return ErrMalformed
		}
		p.Ext.parse(profile, rest[:size], ids)
		rest = rest[size:]
	}
	if padded {
		if len(rest) == 0 {
			return ErrMalformed
		}
		padding := int(rest[len(rest)-1])
		if padding == 0 || padding > len(rest) {
			return ErrMalformed
		}
		rest = rest[:len(rest)-padding]
	}
	p.Payload = rest
	return nil
}

// Append appends a whole packet to dst: h, those of ext's values that ids has a number for, and payload.
func Append(dst []byte, h *Header, ids *ExtensionIDs, ext *Extensions, payload []byte) []byte {
	return append(AppendHeader(dst, h, ids, ext), payload...)
}

// AppendPadding makes dst, a packet from its beginning, end in n bytes of padding, 1 to 255.
func AppendPadding(dst []byte, n int) []byte {
	dst[0] |= 0x20
	var padding [255]byte
	padding[n-1] = byte(n)
	return append(dst, padding[:n]...)
}

// AppendHeader appends all of a packet but its payload to dst. See Append.
func AppendHeader(dst []byte, h *Header, ids *ExtensionIDs, ext *Extensions) []byte {
	start := len(dst)
	second := h.PayloadType & 0x7f
	if h.Marker {
		second |= 0x80
	}
	dst = append(dst, version<<6, second)
	dst = binary.BigEndian.AppendUint16(dst, h.Seq)
	dst = binary.BigEndian.AppendUint32(dst, h.Timestamp)
	dst = binary.BigEndian.AppendUint32(dst, h.SSRC)
	before := len(dst)
	if dst = ext.append(dst, ids); len(dst) > before {
		dst[start] |= 0x10
	}
	return dst
}
