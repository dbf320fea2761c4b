package recording

import (
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"
)

const (
	fileMark    = "MJR00002"
	frameMark   = "MEET"
	frameHeader = len(frameMark) + 4 + 2
	maxFrame    = 1<<16 - 1
	dataClock   = 8 // bytes of clock before a message
)

// Header is what a file says of its stream.
type Header struct {
	Type        Type
	Codec       string // Janus's name
	Fmtp        string // parameters of the codec, as in a=fmtp; may be empty
	Description string
	Extensions  map[uint8]string // URIs of header extensions, by their numbers
	E2EE        bool             // payloads are encrypted
}

// Type is what a stream consists of.
type Type string

// The types of streams, as names of files have them.
const (
	Audio Type = "audio"
	Video Type = "video"
	Data  Type = "data"
)

// append writes what follows the mark of a file that was created, and first written to, at the given times.
func (h *Header) append(dst []byte, created, first time.Time) []byte {
	v := struct {
		Type        string            `json:"t"`
		Codec       string            `json:"c"`
		Fmtp        string            `json:"f,omitempty"`
		Description string            `json:"d,omitempty"`
		Extensions  map[string]string `json:"x,omitempty"`
		Created     int64             `json:"s"`
		First       int64             `json:"u"`
		E2EE        bool              `json:"e,omitempty"`
	}{
		string(h.Type[:1]), h.Codec, h.Fmtp, h.Description, map[string]string{}, created.UnixMicro(), first.UnixMicro(), h.E2EE,
	}
	if h.Type == Data {
		v.Codec = "text"
	}
	for id, uri := range h.Extensions {
		v.Extensions[strconv.Itoa(int(id))] = uri
	}
	b, err := json.Marshal(v)
	if err != nil || len(b) > maxFrame {
		v.Description = "" // all else is short
		b, _ = json.Marshal(v)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(b)))
	return append(dst, b...)
}

// appendFrameHeader writes what precedes the size bytes of a frame, since being the time since the first.
func appendFrameHeader(dst []byte, since time.Duration, size int) []byte {
	dst = append(dst, frameMark...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(max(since, 0).Milliseconds()))
	return binary.BigEndian.AppendUint16(dst, uint16(size))
}
