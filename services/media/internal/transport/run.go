package transport

import "net/netip"

// maxRun is how many datagrams the kernel takes as one run, and maxRunBytes how long they may be together: an IPv4
// datagram's most, less headers (UDP_MAX_SEGMENTS is 64 before Linux 6.9).
const (
	maxRun      = 64
	maxRunBytes = 65535 - 48
)

// run is a row of datagrams for one address, all of one size but the last, which may be shorter: what UDP_SEGMENT
// sends with one system call.
type run struct {
	to      netip.AddrPort
	owner   *Peer // whose they are
	buffer  [maxRunBytes + maxOutbound]byte
	length  int // bytes in buffer
	segment int // size of the first
	count   int
	ended   bool     // the last was shorter
	control [24]byte // the control message that says segment
}

func (r *run) room() []byte { return r.buffer[r.length : r.length+maxOutbound] }

// fits reports whether n bytes for to may join the run.
func (r *run) fits(to netip.AddrPort, n int) bool {
	return r.count == 0 || r.to == to && !r.ended && n <= r.segment && r.count < maxRun && r.length+n <= maxRunBytes
}

// add takes the n bytes in room, which must fit.
func (r *run) add(to netip.AddrPort, n int) {
	if r.count == 0 {
		r.to, r.segment = to, n
	}
	r.length += n
	r.count++
	r.ended = n < r.segment
}

func (r *run) reset() { r.owner, r.length, r.segment, r.count, r.ended = nil, 0, 0, 0, false }
