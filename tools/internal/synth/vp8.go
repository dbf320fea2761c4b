package synth

// MaxPayload is the size of a full RTP payload in bytes: what browsers send, so that a packet fits any path.
const MaxPayload = 1200

const (
	// FrameRate is in frames per second.
	FrameRate = 30
	// VideoClockRate is in Hz.
	VideoClockRate = 90000

	keyFrameFactor = 4 // a key frame is this many times as large as another frame
	width, height  = 640, 480

	// The VP8 payload descriptor that we send (RFC 7741, section 4.2): X; I, L and T; a 15-bit picture id, TL0PICIDX, TID.
	descriptorSize = 6
	roomForData    = MaxPayload - descriptorSize
	keyHeaderSize  = 10 // frame tag, start code, width and height (RFC 6386, section 9.1)
	tagSize        = 3  // what a frame that is no key frame has instead
	minFrame       = keyHeaderSize + stampSize
)

// VP8 makes one stream of video. Not safe for concurrent use.
type VP8 struct {
	deltaBytes int // of a frame that is no key frame, without descriptors

	key        bool // the current frame, and what follows
	frameBytes int
	pictureID  uint16 // 15 bits
	tl0        uint8
}

// NewVP8 makes a stream of about bitrateBps; key frames come on top of that.
func NewVP8(bitrateBps int) *VP8 {
	return &VP8{deltaBytes: max(bitrateBps/8/FrameRate, minFrame), pictureID: 0x7fff, tl0: 0xff}
}

// Next goes on to the next frame and returns how many packets it takes: full ones, and the last as small as it comes
// out.
func (v *VP8) Next(key bool) (packets int) {
	v.key, v.frameBytes = key, v.deltaBytes
	if key {
		v.frameBytes *= keyFrameFactor
	}
	v.pictureID = (v.pictureID + 1) & 0x7fff
	v.tl0++
	return (v.frameBytes + roomForData - 1) / roomForData
}

// AppendPacket appends the payload of the frame's packet i.
func (v *VP8) AppendPacket(b []byte, i int, s Stamp) []byte {
	size := len(b) + descriptorSize + max(min(v.frameBytes-i*roomForData, roomForData), stampSize)
	first := byte(0x80) // X
	if i == 0 {
		first |= 0x10 // S: start of the frame's only partition
	}
	b = append(b, first, 0xe0, byte(v.pictureID>>8)|0x80, byte(v.pictureID), v.tl0, 0)
	if i == 0 {
		tag := uint32(v.frameBytes)<<5 | 1<<4 // size of the first partition; show_frame
		if !v.key {
			tag |= 1
		}
		b = append(b, byte(tag), byte(tag>>8), byte(tag>>16))
		if v.key {
			b = append(b, 0x9d, 0x01, 0x2a, byte(width&0xff), byte(width>>8), byte(height&0xff), byte(height>>8))
		}
	}
	return pad(s.appendTo(b), size)
}

// ReadVP8 returns the stamp of a VP8 payload, whatever shape a server has given its descriptor.
func ReadVP8(b []byte) (Stamp, bool) {
	if len(b) < 2 {
		return Stamp{}, false
	}
	starts := b[0]&0x17 == 0x10 // S, and partition 0
	at := 1
	if b[0]&0x80 != 0 {
		ext := b[1]
		at++
		if ext&0x80 != 0 { // I
			if len(b) > at && b[at]&0x80 != 0 {
				at++
			}
			at++
		}
		if ext&0x40 != 0 { // L
			at++
		}
		if ext&0x30 != 0 { // T or K
			at++
		}
	}
	if len(b) <= at {
		return Stamp{}, false
	}
	switch {
	case starts && b[at]&1 == 0:
		at += keyHeaderSize
	case starts:
		at += tagSize
	}
	if len(b) < at {
		return Stamp{}, false
	}
	return readStamp(b[at:])
}
