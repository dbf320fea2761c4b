package feedback

import (
	"encoding/binary"
	"time"
)

// Arrivals reads one packet of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section
// 3.1). It points into the bytes that it was made from.
type Arrivals struct {
	Count     uint8  // of feedback packets, modulo 256
	Reference uint32 // what Arrival.After is counted from: 24 bits, in units of 64 ms, on the endpoint's clock

	seq     uint16
	left    int    // packets not read yet
	chunks  []byte // not read yet
	deltas  []byte // likewise
	symbols symbols
	clock   time.Duration
}

// Arrival is what became of one packet.
type Arrival struct {
	Seq      uint16 // transport-wide
	Received bool
	After    time.Duration // from the reference; may be negative
}

const (
	arrivalsHeader = 20   // bytes before the first chunk
	chunkSize      = 2    // in bytes
	maxArrivals    = 8192 // packets that one feedback may speak of: as many as a run-length chunk does
)

// The symbols of a packet's status.
const (
	notReceived = iota
	smallDelta
	largeDelta
)

// NewArrivals returns a reader of b, a whole RTCP packet of that type. The error is ErrMalformed: what it returns
// without one can be read to the end.
func NewArrivals(b []byte) (Arrivals, error) {
	if len(b) < arrivalsHeader {
		return Arrivals{}, ErrMalformed
	}
	a := Arrivals{
		Count:     b[19],
		Reference: binary.BigEndian.Uint32(b[16:]) >> 8,
		seq:       binary.BigEndian.Uint16(b[12:]),
		left:      int(binary.BigEndian.Uint16(b[14:])),
		chunks:    b[arrivalsHeader:],
	}
	if a.left > maxArrivals {
		return Arrivals{}, ErrMalformed
	}
	end := a // walks over the chunks, for the deltas begin where they end
	size := 0
	for range a.left {
		symbol, ok := end.symbol()
		if !ok || symbol > largeDelta {
			return Arrivals{}, ErrMalformed
		}
		size += symbol // a small delta has one byte, a large one two
	}
	if size > len(end.chunks) {
		return Arrivals{}, ErrMalformed
	}
	a.deltas = end.chunks
	return a, nil
}

// Next returns what is said of the next packet, in the order of sequence numbers, and false after the last.
func (a *Arrivals) Next() (Arrival, bool) {
	if a.left == 0 {
		return Arrival{}, false
	}
	symbol, _ := a.symbol()
	r := Arrival{Seq: a.seq}
	a.seq++
	a.left--
	switch symbol {
	case smallDelta:
		a.clock += time.Duration(a.deltas[0]) * deltaUnit
		a.deltas = a.deltas[1:]
	case largeDelta:
		a.clock += time.Duration(int16(binary.BigEndian.Uint16(a.deltas))) * deltaUnit
		a.deltas = a.deltas[2:]
	default:
		return r, true
	}
	r.Received, r.After = true, a.clock
	return r, true
}

// symbol returns the status of the next packet, and false if there is no chunk for it.
func (a *Arrivals) symbol() (int, bool) {
	if a.symbols.left == 0 {
		if len(a.chunks) < chunkSize {
			return 0, false
		}
		a.symbols = newSymbols(binary.BigEndian.Uint16(a.chunks))
		a.chunks = a.chunks[chunkSize:]
	}
	if a.symbols.left == 0 { // a run of none
		return 0, false
	}
	return a.symbols.next(), true
}

// symbols are those of one chunk.
type symbols struct {
	chunk uint16
	left  int
	width int // bits of each in a vector; 0 for a run of the same
}

func newSymbols(chunk uint16) symbols {
	switch chunk >> 14 {
	case 2:
		return symbols{chunk: chunk, left: 14, width: 1}
	case 3:
		return symbols{chunk: chunk, left: 7, width: 2}
	}
	return symbols{chunk: chunk, left: int(chunk & 0x1fff)}
}

func (s *symbols) next() int {
	s.left--
	if s.width == 0 {
		return int(s.chunk >> 13 & 3)
	}
	return int(s.chunk>>(s.left*s.width)) & (1<<s.width - 1)
}
