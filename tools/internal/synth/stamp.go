// Package synth makes RTP payloads that servers take for VP8 and Opus, and that tell a receiver which packet of which
// stream they are and when they were sent.
package synth

import (
	"encoding/binary"
	"time"
)

// StreamID names one stream of one publisher within a run.
type StreamID uint32

// Stamp is what each payload carries.
type Stamp struct {
	Stream  StreamID
	Counter uint32        // of the stream's packets, from 0
	Sent    time.Duration // on the run's clock
}

const (
	magic     = 0xca4dea17 // tells our payloads from padding and probes of a server
	stampSize = 4 + 4 + 4 + 8
)

func (s Stamp) appendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, magic)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Stream))
	b = binary.BigEndian.AppendUint32(b, s.Counter)
	return binary.BigEndian.AppendUint64(b, uint64(s.Sent))
}

func readStamp(b []byte) (Stamp, bool) {
	if len(b) < stampSize || binary.BigEndian.Uint32(b) != magic {
		return Stamp{}, false
	}
	return Stamp{
		Stream:  StreamID(binary.BigEndian.Uint32(b[4:])),
		Counter: binary.BigEndian.Uint32(b[8:]),
		Sent:    time.Duration(binary.BigEndian.Uint64(b[12:])),
	}, true
}

// pad appends zeros until b is size bytes long.
func pad(b []byte, size int) []byte {
	for n := size - len(b); n > 0; n = size - len(b) {
		b = append(b, zeros[:min(n, len(zeros))]...)
	}
	return b
}

var zeros [MaxPayload]byte
