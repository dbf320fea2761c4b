package codec

// AV1 OBU types (AV1 bitstream specification, section 6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
)

// av1Keyframe is true if a coded video sequence starts with this payload: the aggregation header has its N bit, or
// the first OBU, but for a temporal delimiter, is a sequence header (RTP payload format for AV1, section 4.4).
//
//	|Z|Y| W |N|-|-|-|
func av1Keyframe(b []byte) (keyframe, ok bool) {
	if len(b) < 2 {
		return false, false
	}
	continued, elements, first := b[0]&0x80 != 0, int(b[0]>>4&0x03), b[0]&0x08 != 0
	if continued {
		return false, true // it starts in the midst of an OBU
	}
	if first {
		return true, true
	}
	b = b[1:]
	for i := 1; len(b) > 0; i++ {
		size := len(b)
		if i != elements { // with W, the last element goes to the end and has no length
			var n int
			if size, n = leb128(b); n == 0 || size > len(b)-n {
				return false, false
			}
			b = b[n:]
		}
		if size > 0 {
			if kind := b[0] >> 3 & 0x0f; kind != obuTemporalDelimiter {
				return kind == obuSequenceHeader, true
			}
		}
		b = b[size:]
	}
	return false, true
}

// leb128 reads a number in little-endian base 128 and returns how many bytes it took, 0 if it is malformed or too
// large for any packet.
func leb128(b []byte) (value, n int) {
	for n < len(b) && n < 4 {
		value |= int(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return value, n
		}
	}
	return 0, 0
}
