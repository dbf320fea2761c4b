package codec

// readVP9 reads a VP9 payload descriptor (RFC 9628, section 4.2) as far as the layer indices.
//
//	|I|P|L|F|B|E|V|Z|  then, as I says, picture id, and as L says, |TID|U|SID|D|, with TL0PICIDX if not F
func (d *Descriptor) readVP9(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	predicted, flexible := b[0]&0x40 != 0, b[0]&0x10 != 0
	d.Start = b[0]&0x08 != 0
	d.End = b[0]&0x04 != 0
	at, ok := 1, true
	if b[0]&0x80 != 0 {
		if at, ok = d.readPictureID(b, at); !ok {
			return false
		}
	}
	if b[0]&0x20 != 0 {
		if len(b) <= at {
			return false
		}
		d.Temporal = b[at] >> 5
		d.Spatial = b[at] >> 1 & 0x07
		if b[at]&0x10 != 0 {
			d.Switch = UpAfter
		}
		at++
		if !flexible {
			if len(b) <= at {
				return false
			}
			d.TL0PICIDX, d.HasTL0PICIDX, d.tl0At = b[at], true, uint8(at)
			at++
		}
	}
	d.Keyframe = d.Start && !predicted && d.Spatial == 0
	return len(b) > at
}
