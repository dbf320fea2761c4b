package packet

import "encoding/binary"

// ExtensionIDs are the numbers that one endpoint negotiated for header extensions (a=extmap), 1 to 255 with 15
// excluded unless the two-byte form was agreed; 0 for those it did not.
type ExtensionIDs struct {
	AudioLevel           uint8 // urn:ietf:params:rtp-hdrext:ssrc-audio-level, RFC 6464
	AbsSendTime          uint8 // http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
	TransportCC          uint8 // http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
	MID                  uint8 // urn:ietf:params:rtp-hdrext:sdes:mid, RFC 9143
	RID                  uint8 // urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id, RFC 8852
	RepairedRID          uint8 // urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id, RFC 8852
	AbsCaptureTime       uint8 // http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time
	PlayoutDelay         uint8 // http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
	VideoOrientation     uint8 // urn:3gpp:video-orientation
	DependencyDescriptor uint8 // https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension
}

// Extensions are the values of a packet's header extensions. Those that Present lacks mean nothing.
type Extensions struct {
	Present              Set
	AudioLevel           AudioLevel
	VideoOrientation     uint8 // as on the wire: camera, flip, and rotation in quarters
	TransportSeq         uint16
	AbsSendTime          uint32 // seconds modulo 64, 6.18 fixed point
	PlayoutDelay         PlayoutDelay
	AbsCaptureTime       AbsCaptureTime
	MID                  []byte
	RID                  []byte
	RepairedRID          []byte
	DependencyDescriptor []byte
}

// Set says which header extensions there are.
type Set uint16

// The members of a Set.
const (
	HasAudioLevel Set = 1 << iota
	HasAbsSendTime
	HasTransportCC
	HasMID
	HasRID
	HasRepairedRID
	HasAbsCaptureTime
	HasPlayoutDelay
	HasVideoOrientation
	HasDependencyDescriptor
)

// Has is true if all of want are in s.
func (s Set) Has(want Set) bool { return s&want == want }

// AudioLevel is how loud a packet's audio is (RFC 6464).
type AudioLevel struct {
	Level uint8 // -dBov: 0 is the loudest, 127 silence
	Voice bool  // the sender believes that it hears speech
}

// PlayoutDelay bounds how long a receiver may hold a frame, in units of 10 ms, 0 to 4095.
type PlayoutDelay struct{ Min, Max uint16 }

// AbsCaptureTime is when a frame was captured, on the capturer's clock, and how that clock differs from the sender's.
type AbsCaptureTime struct {
	NTP       uint64 // 32.32 fixed point
	Offset    int64  // of the sender's clock, 32.32 fixed point
	HasOffset bool
}

const (
	oneByteProfile = 0xbede // RFC 8285, section 4.2
	twoByteProfile = 0x1000 // RFC 8285, section 4.3; the low four bits are the application's
)

// parse reads the elements of an extension block. What is malformed ends it: the values before stay, as RFC 8285
// section 4.2 wants for what a receiver does not understand.
func (e *Extensions) parse(profile uint16, b []byte, ids *ExtensionIDs) {
	oneByte := profile == oneByteProfile
	if !oneByte && profile&0xfff0 != twoByteProfile {
		return
	}
	for len(b) > 0 {
		if b[0] == 0 { // padding
			b = b[1:]
			continue
		}
		var id uint8
		var size int
		if oneByte {
			id, size, b = b[0]>>4, int(b[0]&0x0f)+1, b[1:]
			if id == 15 { // reserved: the rest is to be ignored
				return
			}
		} else {
			if len(b) < 2 {
				return
			}
			id, size, b = b[0], int(b[1]), b[2:]
		}
		if len(b) < size {
			return
		}
		if id != 0 {
			e.set(id, b[:size], ids)
		}
		b = b[size:]
	}
}

// set keeps the value of one element, if ids knows the number and the length is right.
func (e *Extensions) set(id uint8, v []byte, ids *ExtensionIDs) {
	switch id {
	case ids.AudioLevel:
		if len(v) >= 1 {
			e.Present |= HasAudioLevel
			e.AudioLevel = AudioLevel{Level: v[0] & 0x7f, Voice: v[0]&0x80 != 0}
		}
	case ids.AbsSendTime:
		if len(v) == 3 {
			e.Present |= HasAbsSendTime
			e.AbsSendTime = uint24(v)
		}
	case ids.TransportCC:
		if len(v) >= 2 {
			e.Present |= HasTransportCC
			e.TransportSeq = binary.BigEndian.Uint16(v)
		}
	case ids.MID:
		e.Present |= HasMID
		e.MID = v
	case ids.RID:
		e.Present |= HasRID
		e.RID = v
	case ids.RepairedRID:
		e.Present |= HasRepairedRID
		e.RepairedRID = v
	case ids.AbsCaptureTime:
		e.setAbsCaptureTime(v)
	case ids.PlayoutDelay:
		if len(v) == 3 {
			e.Present |= HasPlayoutDelay
			e.PlayoutDelay = PlayoutDelay{Min: uint16(uint24(v) >> 12), Max: uint16(uint24(v) & 0xfff)}
		}
	case ids.VideoOrientation:
		if len(v) == 1 {
			e.Present |= HasVideoOrientation
			e.VideoOrientation = v[0]
		}
	case ids.DependencyDescriptor:
		e.Present |= HasDependencyDescriptor
		e.DependencyDescriptor = v
	}
}

func (e *Extensions) setAbsCaptureTime(v []byte) {
	if len(v) != 8 && len(v) != 16 {
		return
	}
	e.Present |= HasAbsCaptureTime
	e.AbsCaptureTime.NTP = binary.BigEndian.Uint64(v)
	if len(v) == 16 {
		e.AbsCaptureTime.Offset = int64(binary.BigEndian.Uint64(v[8:]))
		e.AbsCaptureTime.HasOffset = true
	}
}

func uint24(v []byte) uint32 { return uint32(v[0])<<16 | uint32(v[1])<<8 | uint32(v[2]) }
