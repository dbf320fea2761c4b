package endpoint

import "encoding/binary"

// receiveMTU is the size of a buffer for any packet, in bytes.
const receiveMTU = 1500

// payload returns what follows the header of an RTP packet (RFC 3550, section 5.1), padding included; nil if the packet
// is malformed. It shares memory with packet.
func payload(packet []byte) []byte {
	if len(packet) < 12 {
		return nil
	}
	at := 12 + 4*int(packet[0]&0x0f) // CSRCs
	if packet[0]&0x10 != 0 {         // X
		if len(packet) < at+4 {
			return nil
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(packet[at+2:]))
	}
	if len(packet) < at {
		return nil
	}
	return packet[at:]
}
