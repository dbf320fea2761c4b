package relay

import "encoding/binary"

// Kind is what a datagram has.
type Kind uint8

// The kinds.
const (
	Packet Kind = iota + 1 // of a stream: what forward.Stream.AppendPacket wrote
	State                  // of a stream: what forward.Stream.AppendState wrote
	Time                   // nothing: it tells the time, and how far datagrams are numbered
	Gone                   // nothing: what it repeats is not held any more
	NACK                   // to the origin: what has not come
)

// repeats marks a datagram that takes the place of another.
const repeats = 0x80

// Message is a datagram as it is read. Body is part of what it was read from.
type Message struct {
	Kind    Kind
	Stream  uint32 // its number; 0 where it does not matter
	Repeats uint64 // the number of the datagram that had this; 0 for none
	Body    []byte
}

// AppendHead appends all of a message but its body.
func AppendHead(b []byte, kind Kind, stream uint32, repeated uint64) []byte {
	first := byte(kind)
	if repeated != 0 {
		first |= repeats
	}
	b = binary.BigEndian.AppendUint32(append(b, first), stream)
	if repeated != 0 {
		b = binary.BigEndian.AppendUint64(b, repeated)
	}
	return b
}

// Parse reads a message. False if it is none.
func Parse(b []byte) (m Message, ok bool) {
	if len(b) < 5 {
		return m, false
	}
	m.Kind, m.Stream = Kind(b[0]&^repeats), binary.BigEndian.Uint32(b[1:])
	if m.Kind < Packet || m.Kind > NACK {
		return m, false
	}
	m.Body = b[5:]
	if b[0]&repeats != 0 {
		if len(m.Body) < 8 {
			return m, false
		}
		m.Repeats, m.Body = binary.BigEndian.Uint64(m.Body), m.Body[8:]
	}
	return m, true
}

// MaxNACK is how many datagrams one NACK asks for at most.
const MaxNACK = 128

// AppendNACK appends the body of a NACK for numbers, ascending, at most MaxNACK, none 2^16 or more above the first.
func AppendNACK(b []byte, numbers []uint64) []byte {
	b = binary.BigEndian.AppendUint64(b, numbers[0])
	for _, n := range numbers[1:] {
		b = binary.BigEndian.AppendUint16(b, uint16(n-numbers[0]))
	}
	return b
}

// EachNACK calls f for each number that a NACK's body asks for. False if it is none.
func EachNACK(b []byte, f func(number uint64)) bool {
	if len(b) < 8 || len(b)%2 != 0 || len(b) > 8+2*(MaxNACK-1) {
		return false
	}
	first := binary.BigEndian.Uint64(b)
	f(first)
	for b = b[8:]; len(b) > 0; b = b[2:] {
		f(first + uint64(binary.BigEndian.Uint16(b)))
	}
	return true
}
