package packet

// Extender turns 16-bit sequence numbers into 64-bit ones that never wrap. Its zero value is ready.
type Extender struct {
	last uint64
}

// FirstCycle is what extended numbers start from, so that a packet older than the first has a number too, and none
// is 0.
const FirstCycle = 1 << 16

// Extend returns seq as a 64-bit number that never wraps: the one nearest to the last it returned
// (RFC 3550, appendix A.1). A step of exactly 32768 counts as backwards. Not safe for concurrent use.
func (x *Extender) Extend(seq uint16) uint64 {
	if x.last == 0 {
		x.last = FirstCycle + uint64(seq)
	} else {
		x.last = Nearest(x.last, seq)
	}
	return x.last
}

// Nearest returns the extended number that ends in seq and is nearest to reference; the one below, of two as near.
func Nearest(reference uint64, seq uint16) uint64 {
	return reference + uint64(int64(int16(seq-uint16(reference))))
}
