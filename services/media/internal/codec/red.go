package codec

import "errors"

// ErrRED is returned for a payload that is no RED, or of other payload types than agreed.
var ErrRED = errors.New("malformed RED payload")

// REDBlock is an earlier payload that a packet repeats.
type REDBlock struct {
	Age     uint32 // how much earlier its timestamp is, in units of the clock rate; 14 bits
	Payload []byte // part of what was parsed
}

// maxREDBlocks is how many earlier payloads one packet may repeat. Browsers repeat one or two; each is a packet for all
// who listen, so there have to be few.
const maxREDBlocks = 8

// ParseRED reads a payload with redundancy (RFC 2198, section 3), all of whose blocks must have the payload type pt. It
// appends the blocks that repeat earlier payloads, oldest first, and returns where the packet's own payload begins.
func ParseRED(b []byte, pt uint8, dst []REDBlock) (blocks []REDBlock, primary int, err error) {
	blocks = dst
	head, begin := 0, 0
	for ; head < len(b) && b[head]&0x80 != 0; head += 4 {
		if head+4 >= len(b) || head == 4*maxREDBlocks {
			return dst, 0, ErrRED
		}
		begin += int(b[head+2]&0x03)<<8 | int(b[head+3])
	}
	if head >= len(b) {
		return dst, 0, ErrRED
	}
	end := head + 1
	primary = end + begin
	if primary > len(b) {
		return dst, 0, ErrRED
	}
	for at := 0; at <= head; at += 4 {
		if b[at]&0x7f != pt {
			return dst, 0, ErrRED
		}
		if at == head {
			break
		}
		size := int(b[at+2]&0x03)<<8 | int(b[at+3])
		blocks = append(blocks, REDBlock{
			Age: uint32(b[at+1])<<6 | uint32(b[at+2])>>2, Payload: b[end : end+size : end+size],
		})
		end += size
	}
	return blocks, primary, nil
}

// RenumberRED gives all blocks of a payload that ParseRED has taken another payload type.
func RenumberRED(b []byte, pt uint8) {
	at := 0
	for ; b[at]&0x80 != 0; at += 4 {
		b[at] = 0x80 | pt
	}
	b[at] = pt
}
