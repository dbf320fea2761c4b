package synth

import "time"

const (
	// OpusInterval is the time between two packets.
	OpusInterval = 20 * time.Millisecond
	// OpusClockRate is in Hz.
	OpusClockRate = 48000

	opusSize = 80   // bytes: 32 kbit/s
	opusTOC  = 0xfc // CELT, full band, 20 ms, stereo, one frame (RFC 6716, section 3.1)
)

// Opus makes one stream of audio.
type Opus struct{}

// Next goes on to the next frame, which is one packet.
func (Opus) Next(bool) (packets int) { return 1 }

// AppendPacket appends the payload of a frame.
func (Opus) AppendPacket(b []byte, _ int, s Stamp) []byte {
	size := len(b) + opusSize
	return pad(s.appendTo(append(b, opusTOC)), size)
}

// ReadOpus returns the stamp of an Opus payload.
func ReadOpus(b []byte) (Stamp, bool) {
	if len(b) == 0 {
		return Stamp{}, false
	}
	return readStamp(b[1:])
}
