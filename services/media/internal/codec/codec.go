// Package codec reads what a forwarder has to know of RTP payloads: where key frames start, which temporal and
// spatial layer a packet is of, and the picture numbers that have to stay continuous. It never decodes.
package codec

// Codec is a payload format. Its zero value is one that is relayed without being looked into.
type Codec uint8

// The codecs that are known, by Janus's names.
const (
	Unknown Codec = iota
	Opus
	PCMU
	PCMA
	G722
	VP8
	VP9
	H264
	AV1
)

var names = [...]string{Opus: "opus", PCMU: "pcmu", PCMA: "pcma", G722: "g722", VP8: "vp8", VP9: "vp9", H264: "h264", AV1: "av1"}

// Parse returns the codec of Janus's name, or Unknown.
func Parse(name string) Codec {
	for c, n := range names {
		if n == name && name != "" {
			return Codec(c)
		}
	}
	return Unknown
}

// String returns Janus's name, empty for Unknown.
func (c Codec) String() string { return names[c] }

// Audio is true for those that carry sound.
func (c Codec) Audio() bool { return c >= Opus && c <= G722 }

// ClockRate returns how many units of RTP timestamp make a second. G.722's is 8000, though it samples at 16000
// (RFC 3551, section 4.5.2).
func (c Codec) ClockRate() uint32 {
	switch c {
	case Opus:
		return 48000
	case PCMU, PCMA, G722:
		return 8000
	default:
		return 90000
	}
}
