package codec

import "encoding/binary"

// DescriptorBytes is how long a Descriptor is between nodes.
const DescriptorBytes = 8

const (
	wireKeyframe = 1 << iota
	wireStart
	wireEnd
	wireTL0
	wireShortID // the picture id has 7 bits
	wireLongID  // it has 15

	wireSwitch = 6 // where the two bits of Switch begin
)

// Append appends DescriptorBytes that ReadDescriptor reads.
func (d *Descriptor) Append(b []byte) []byte {
	flags := byte(d.Switch) << wireSwitch
	for _, flag := range [...]struct {
		set  bool
		flag byte
	}{
		{d.Keyframe, wireKeyframe}, {d.Start, wireStart}, {d.End, wireEnd}, {d.HasTL0PICIDX, wireTL0},
		{d.PictureIDMask == 0x7f, wireShortID}, {d.PictureIDMask == 0x7fff, wireLongID},
	} {
		if flag.set {
			flags |= flag.flag
		}
	}
	return append(b, flags, d.Temporal, d.Spatial, byte(d.PictureID>>8), byte(d.PictureID), d.TL0PICIDX, d.pictureIDAt, d.tl0At)
}

// ReadDescriptor reads into d what Append wrote of a payload of that many bytes. False if it does not fit that.
func (d *Descriptor) ReadDescriptor(b []byte, payload int) bool {
	if len(b) < DescriptorBytes {
		return false
	}
	flags := b[0]
	*d = Descriptor{
		Keyframe: flags&wireKeyframe != 0, Start: flags&wireStart != 0, End: flags&wireEnd != 0, Switch: Up(flags >> wireSwitch),
		Temporal: b[1], Spatial: b[2], PictureID: binary.BigEndian.Uint16(b[3:]), TL0PICIDX: b[5], HasTL0PICIDX: flags&wireTL0 != 0,
		pictureIDAt: b[6], tl0At: b[7],
	}
	needed := 0
	switch flags & (wireShortID | wireLongID) {
	case wireShortID:
		d.PictureIDMask, needed = 0x7f, int(d.pictureIDAt)+1
	case wireLongID:
		d.PictureIDMask, needed = 0x7fff, int(d.pictureIDAt)+2
	case wireShortID | wireLongID:
		return false
	}
	if d.HasTL0PICIDX {
		needed = max(needed, int(d.tl0At)+1)
	}
	return d.Switch <= UpAfter && needed <= payload
}
