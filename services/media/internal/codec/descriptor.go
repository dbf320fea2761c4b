package codec

import "errors"

// ErrMalformed is returned for a payload that contradicts its format.
var ErrMalformed = errors.New("malformed payload")

// Descriptor is what one packet's payload tells a forwarder. What a format does not tell is left zero.
type Descriptor struct {
	Keyframe bool  // a key frame starts with this packet
	Start    bool  // a frame of this layer starts with this packet; not of H.264
	End      bool  // a frame of this layer ends with this packet; VP9 and AV1 only
	Switch   Up    // whether more temporal layers can be taken from here
	Temporal uint8 // temporal layer, 0 the lowest
	Spatial  uint8 // spatial layer, 0 the lowest

	PictureID     uint16
	PictureIDMask uint16 // 0x7fff or 0x7f by the field's width, 0 if there is none
	TL0PICIDX     uint8  // counts frames of temporal layer 0
	HasTL0PICIDX  bool

	pictureIDAt, tl0At uint8 // offsets in the payload
}

// Up says how a packet's frame lets a receiver go up in temporal layers.
type Up uint8

// The ways.
const (
	UpNever Up = iota
	UpHere     // the frame is predicted from temporal layer 0 only (VP8's Y)
	UpAfter    // those after it are predicted from no earlier frame of a layer above its own (VP9's U; AV1)
)

// Describe reads the payload of a packet into d. Of audio and unknown codecs it knows nothing, which is no error.
func Describe(c Codec, payload []byte, d *Descriptor) error {
	*d = Descriptor{}
	ok := true
	switch c {
	case VP8:
		ok = d.readVP8(payload)
	case VP9:
		ok = d.readVP9(payload)
	case H264:
		d.Keyframe, ok = h264Keyframe(payload)
	case AV1:
		d.Keyframe, ok = av1Keyframe(payload)
	}
	if !ok {
		return ErrMalformed
	}
	return nil
}

// Keyframe is true if a key frame starts with this payload.
func Keyframe(c Codec, payload []byte) bool {
	var d Descriptor
	return Describe(c, payload, &d) == nil && d.Keyframe
}

// Rewrite puts other picture numbers in the place of those that d was read with from a copy of payload. Fields that
// are not there are not added; the picture id is cut to its field's width.
func (d *Descriptor) Rewrite(payload []byte, pictureID uint16, tl0 uint8) {
	switch d.PictureIDMask {
	case 0x7f:
		payload[d.pictureIDAt] = uint8(pictureID & 0x7f)
	case 0x7fff:
		payload[d.pictureIDAt] = 0x80 | uint8(pictureID>>8)
		payload[d.pictureIDAt+1] = uint8(pictureID)
	}
	if d.HasTL0PICIDX {
		payload[d.tl0At] = tl0
	}
}

// readPictureID reads a picture id of 7 or 15 bits at b[at], as VP8 and VP9 write it, and returns what is after it.
func (d *Descriptor) readPictureID(b []byte, at int) (next int, ok bool) {
	if len(b) <= at {
		return 0, false
	}
	d.pictureIDAt = uint8(at)
	if b[at]&0x80 == 0 {
		d.PictureID, d.PictureIDMask = uint16(b[at]), 0x7f
		return at + 1, true
	}
	if len(b) <= at+1 {
		return 0, false
	}
	d.PictureID, d.PictureIDMask = uint16(b[at]&0x7f)<<8|uint16(b[at+1]), 0x7fff
	return at + 2, true
}
