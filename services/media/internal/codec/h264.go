package codec

import "encoding/binary"

// NAL unit types (ITU-T H.264, table 7-1, and RFC 6184, section 5.2).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24
	nalFUA   = 28
)

// h264Keyframe is true if the payload has a sequence parameter set, or the first slice of an IDR picture (RFC 6184).
func h264Keyframe(b []byte) (keyframe, ok bool) {
	if len(b) < 1 {
		return false, false
	}
	switch b[0] & 0x1f {
	case nalSTAPA:
		return stapAKeyframe(b[1:])
	case nalFUA:
		if len(b) < 3 {
			return false, false
		}
		start := b[1]&0x80 != 0
		return start && startsKeyframe(b[1]&0x1f, b[2:]), true
	default:
		return startsKeyframe(b[0]&0x1f, b[1:]), true
	}
}

// stapAKeyframe looks through an aggregate, whose units have a 16-bit length each.
func stapAKeyframe(b []byte) (keyframe, ok bool) {
	for len(b) > 0 {
		if len(b) < 2 {
			return keyframe, false
		}
		size := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if size == 0 || len(b) < size {
			return keyframe, false
		}
		keyframe = keyframe || startsKeyframe(b[0]&0x1f, b[1:size])
		b = b[size:]
	}
	return keyframe, true
}

// startsKeyframe takes a NAL unit's type and what follows its header. A slice is the first of its picture if its
// first_mb_in_slice, in Exp-Golomb code, is 0, which is a single bit 1.
func startsKeyframe(nal byte, rest []byte) bool {
	return nal == nalSPS || nal == nalIDR && len(rest) > 0 && rest[0]&0x80 != 0
}
