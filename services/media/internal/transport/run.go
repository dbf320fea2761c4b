package transport

import "net/netip"

const (
	// maxRun is how many datagrams the kernel takes as one run, and maxRunBytes how long they may be together: an IPv4
	// datagram's most, less headers (UDP_MAX_SEGMENTS is 64 before Linux 6.9).
	maxRun      = 64
	maxRunBytes = 65535 - 48
	// maxRuns is how many runs leave with one system call, and batchBytes how long they may be together: what the
	// processor's second cache holds.
	maxRuns    = 32
	batchBytes = 128 << 10
)

// run is a row of datagrams for one address, all of one size but the last, which may be shorter: what UDP_SEGMENT
// sends as one.
type run struct {
	to      netip.AddrPort
	owner   *Peer // whose they are
	start   int   // in the batch's bytes
	length  int
	segment int // size of the first
	count   int
	ended   bool // the last was shorter
}

// fits reports whether n bytes for to may join the run.
func (r *run) fits(to netip.AddrPort, n int) bool {
	return r.to == to && !r.ended && n <= r.segment && r.count < maxRun && r.length+n <= maxRunBytes
}

// batch is runs that wait to be sent.
type batch struct {
	runs   [maxRuns]run
	count  int
	bytes  [batchBytes + maxOutbound]byte
	length int
}

// room is where the next datagram is to be written.
func (b *batch) room() []byte { return b.bytes[b.length : b.length+maxOutbound] }

// fits reports whether there is a place for n bytes for to; single says that each datagram is a run of its own.
func (b *batch) fits(to netip.AddrPort, n int, single bool) bool {
	return b.length+n <= batchBytes && (b.count < maxRuns || !single && b.runs[b.count-1].fits(to, n))
}

// add takes the n bytes in room, which must fit.
func (b *batch) add(p *Peer, to netip.AddrPort, n int, single bool) {
	if b.count == 0 || single || !b.runs[b.count-1].fits(to, n) {
		b.runs[b.count] = run{to: to, owner: p, start: b.length, segment: n}
		b.count++
	}
	r := &b.runs[b.count-1]
	r.length += n
	r.count++
	r.ended = n < r.segment
	b.length += n
}

// data is the bytes of a run.
func (b *batch) data(r *run) []byte { return b.bytes[r.start : r.start+r.length] }

func (b *batch) reset() {
	clear(b.runs[:b.count])
	b.count, b.length = 0, 0
}
