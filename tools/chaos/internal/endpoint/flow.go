package endpoint

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"time"
)

// Kind of media.
type Kind uint8

// The kinds; 0 is none that is known.
const (
	Sound Kind = iota + 1
	Pictures
)

// remembered is how many packets of a stream are: more than a node sends again, or could send under an index that it had used.
const remembered = 1 << 15

// flow is one stream as it comes in, by SSRC: when, and under which SRTP indexes.
type flow struct {
	kind  Kind
	last  time.Time // when something came; the zero one before
	gap   time.Duration
	index indexes
}

// came notes a packet that is authentic, and that is new.
func (f *flow) came(now time.Time) {
	if !f.last.IsZero() {
		f.gap = max(f.gap, now.Sub(f.last))
	}
	f.last = now
}

// indexes are those that have been used under one key, and for what.
type indexes struct {
	highest uint64 // with roll-over counter, or as it is in SRTCP
	any     bool
	used    map[uint64]use
	order   []uint64
	next    int // in order, that is forgotten next
}

// use is of an index.
type use struct {
	sum  uint64 // hash of the packet, encrypted as it was
	from netip.AddrPort
	at   time.Time
}

var seed = maphash.MakeSeed()

type usage uint8

const (
	fresh    usage = iota
	repeated       // the same datagram: somebody has sent it twice
	reused         // another packet under an index that had been used: the keystream is known
)

// take notes that a packet came under an index, and returns what that was used for before.
func (x *indexes) take(index uint64, packet []byte, from netip.AddrPort, now time.Time) (usage, use) {
	if x.used == nil {
		x.used = make(map[uint64]use, remembered)
	}
	sum := maphash.Bytes(seed, packet)
	if before, ok := x.used[index]; ok {
		if before.sum == sum {
			return repeated, before
		}
		return reused, before
	}
	if len(x.order) < remembered {
		x.order = append(x.order, index)
	} else {
		delete(x.used, x.order[x.next])
		x.order[x.next] = index
		x.next = (x.next + 1) % remembered
	}
	x.used[index] = use{sum, from, now}
	return fresh, use{}
}

// extend returns a sequence number with its roll-over counter: the number nearest to the highest so far (RFC 3711, section 3.3.1).
func (x *indexes) extend(seq uint16) uint64 {
	if !x.any {
		x.any, x.highest = true, 1<<16|uint64(seq) // a step back from 0 is no underflow
		return x.highest
	}
	index := x.highest + uint64(int64(int16(seq-uint16(x.highest))))
	x.highest = max(x.highest, index)
	return index
}

// header is what is read of an RTP packet before it is decrypted (RFC 3550, section 5.1).
func header(b []byte) (payloadType uint8, seq uint16, ssrc uint32, ok bool) {
	if len(b) < 12 {
		return 0, 0, 0, false
	}
	return b[1] & 0x7f, binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[8:]), true
}
