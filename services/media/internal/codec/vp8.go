package codec

// readVP8 reads a VP8 payload descriptor and the first byte of the frame (RFC 7741, sections 4.2 and 4.3).
//
//	|X|R|N|S|R| PID |  then, as X says, |I|L|T|K| RSV |, and as those say, picture id, TL0PICIDX, |TID|Y| KEYIDX |
func (d *Descriptor) readVP8(b []byte) bool {
	if len(b) < 1 {
		return false
	}
	d.Start = b[0]&0x10 != 0 && b[0]&0x07 == 0
	at := 1
	if b[0]&0x80 != 0 {
		if len(b) <= at {
			return false
		}
		flags, ok := b[at], true
		at++
		if flags&0x80 != 0 {
			if at, ok = d.readPictureID(b, at); !ok {
				return false
			}
		}
		if flags&0x40 != 0 {
			if len(b) <= at {
				return false
			}
			d.TL0PICIDX, d.HasTL0PICIDX, d.tl0At = b[at], true, uint8(at)
			at++
		}
		if flags&0x30 != 0 {
			if len(b) <= at {
				return false
			}
			if flags&0x20 != 0 {
				d.Temporal = b[at] >> 6
				if b[at]&0x20 != 0 {
					d.Switch = UpHere
				}
			}
			at++
		}
	}
	if len(b) <= at {
		return false
	}
	d.Keyframe = d.Start && b[at]&0x01 == 0 // the P bit of the frame header, inverted
	return true
}
