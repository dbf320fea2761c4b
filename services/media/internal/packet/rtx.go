package packet

import "encoding/binary"

// OSNSize is the length of the original sequence number that starts an RTX payload, in bytes.
const OSNSize = 2

// Unwrap makes of an RTX packet the one it repeats, in place (RFC 4588, section 4): seq becomes the original's, and
// ssrc and pt are the original stream's, which the packet does not carry. It is false, and p unchanged, if the
// packet repeats nothing, as the padding does that probes a path's bandwidth.
func (p *Packet) Unwrap(ssrc uint32, pt uint8) bool {
	if len(p.Payload) <= OSNSize {
		return false
	}
	p.Seq = binary.BigEndian.Uint16(p.Payload)
	p.Payload = p.Payload[OSNSize:]
	p.SSRC, p.PayloadType = ssrc, pt
	return true
}
