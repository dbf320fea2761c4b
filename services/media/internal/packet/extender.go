package packet

// Extender turns 16-bit sequence numbers into 64-bit ones that never wrap. Its zero value is ready.
type Extender struct {
	last    uint64
	started bool
}

// first is what the cycle count starts from, so that a packet older than the first one has a number too.
const first = 1 << 16

// Extend returns seq as a 64-bit number that never wraps: the one nearest to the last it returned
// (RFC 3550, appendix A.1). A step of exactly 32768 counts as backwards. Not safe for concurrent use.
func (x *Extender) Extend(seq uint16) uint64 {
	if !x.started {
		x.started = true
		x.last = first + uint64(seq)
		return x.last
	}
	x.last += uint64(int64(int16(seq - uint16(x.last))))
	return x.last
}

// Restart forgets where the sequence stood: the next number may be any, and is extended to one that is more than
// 65536 above all returned so far.
func (x *Extender) Restart(highest uint64, seq uint16) uint64 {
	x.started = true
	x.last = (highest>>16+2)<<16 + uint64(seq)
	return x.last
}
