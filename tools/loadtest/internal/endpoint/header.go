package endpoint

import "encoding/binary"

// header is what a subscriber reads of each RTP packet (RFC 3550, section 5.1).
type header struct {
	ssrc         uint32
	ts           uint32
	seq          uint16
	payloadType  uint8
	padded       bool
	transport    uint16 // transport-wide sequence number, if hasTransport
	hasTransport bool
}

const fixedHeader = 12 // bytes

// readHeader parses a packet, whose transport-wide sequence number is in the extension of that id; 0 for none.
func readHeader(b []byte, transportCC uint8) (h header, ok bool) {
	if len(b) < fixedHeader {
		return header{}, false
	}
	h = header{
		ssrc: binary.BigEndian.Uint32(b[8:]), ts: binary.BigEndian.Uint32(b[4:]), seq: binary.BigEndian.Uint16(b[2:]),
		payloadType: b[1] & 0x7f, padded: b[0]&0x20 != 0,
	}
	at := fixedHeader + 4*int(b[0]&0x0f) // CSRCs
	if b[0]&0x10 == 0 {                  // X
		return h, len(b) >= at
	}
	if len(b) < at+4 {
		return header{}, false
	}
	profile, length := binary.BigEndian.Uint16(b[at:]), 4*int(binary.BigEndian.Uint16(b[at+2:]))
	at += 4
	if len(b) < at+length {
		return header{}, false
	}
	if value := extension(profile, b[at:at+length], transportCC); len(value) == 2 {
		h.transport, h.hasTransport = binary.BigEndian.Uint16(value), true
	}
	return h, true
}

// extension returns the value of a header extension (RFC 8285, sections 4.2 and 4.3), nil if there is none.
func extension(profile uint16, b []byte, id uint8) []byte {
	if id == 0 {
		return nil
	}
	oneByte := profile == 0xbede
	if !oneByte && profile>>4 != 0x100 {
		return nil
	}
	for len(b) > 0 {
		if b[0] == 0 { // padding
			b = b[1:]
			continue
		}
		var found uint8
		var length, start int
		if oneByte {
			found, length, start = b[0]>>4, int(b[0]&0x0f)+1, 1
		} else {
			if len(b) < 2 {
				return nil
			}
			found, length, start = b[0], int(b[1]), 2
		}
		if oneByte && found == 15 || len(b) < start+length {
			return nil
		}
		if found == id {
			return b[start : start+length]
		}
		b = b[start+length:]
	}
	return nil
}
