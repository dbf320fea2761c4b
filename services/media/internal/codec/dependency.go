package codec

import (
	"bytes"
	"encoding/binary"
)

// Limits of the dependency descriptor's fields.
const (
	maxTemplates     = 64
	maxDecodeTargets = 32
)

// Indications of what a frame is to a decode target (AV1 RTP payload format, appendix A.8.2).
const (
	dtiNotPresent = 0
	dtiSwitch     = 2
)

// Dependencies reads the dependency descriptors of one stream (RTP payload format for AV1, appendix A). A key frame
// brings the structure that later descriptors refer to. Its zero value is ready.
type Dependencies struct {
	known     bool
	seq       uint64 // of the packet that brought the structure
	idOffset  uint8
	count     int
	targets   int
	templates [maxTemplates]template
	layers    [maxDecodeTargets]struct{ spatial, temporal uint8 } // the highest that each decode target has
	raw       []byte                                              // the descriptor with the structure
}

type template struct {
	spatial, temporal uint8
	indications       [maxDecodeTargets]uint8
}

// Read reads the descriptor b of the packet with the extended sequence number seq into d: Start, End, Keyframe,
// Spatial, Temporal, Switch, and the frame number as PictureID. It is ErrMalformed if b contradicts its format, or
// refers to a structure that has not come; d is then as before.
func (x *Dependencies) Read(b []byte, seq uint64, d *Descriptor) error {
	r := bits{b: b}
	start, end := r.flag(), r.flag()
	id := uint8(r.read(6))
	frame := uint16(r.read(16))
	var structure, custom bool
	inForce := x
	if len(b) > 3 {
		structure = r.flag()
		activeTargets := r.flag()
		custom = r.flag()
		r.flag() // custom_fdiffs
		r.flag() // custom_chains
		if structure {
			next := Dependencies{seq: seq}
			if !next.readStructure(&r) {
				return ErrMalformed
			}
			if x.known && seq < x.seq {
				inForce = &next // late: a newer one has come
			} else {
				next.raw = append(x.raw[:0], b...)
				*x = next
			}
		}
		if activeTargets {
			r.skip(inForce.targets)
		}
	}
	t := inForce.template(id)
	if t == nil {
		return ErrMalformed
	}
	up := inForce.up(t, custom, &r)
	if r.short {
		return ErrMalformed
	}
	d.Start, d.End, d.Spatial, d.Temporal, d.Switch = start, end, t.spatial, t.temporal, up
	d.Keyframe = structure && start && t.spatial == 0
	d.PictureID = frame
	return nil
}

// Structure returns the descriptor that brought the structure in force, and the number of its packet, for another
// Dependencies to Learn. It is nil if none has come.
func (x *Dependencies) Structure() (descriptor []byte, seq uint64) {
	return bytes.Clone(x.raw), x.seq
}

// Learn takes what Structure gave, if it is newer than what is known.
func (x *Dependencies) Learn(descriptor []byte, seq uint64) {
	var d Descriptor
	_ = x.Read(descriptor, seq, &d) // what makes no sense is as good as nothing
}

// template returns the one that a frame refers to, nil if there is none.
func (x *Dependencies) template(id uint8) *template {
	index := int(id-x.idOffset) & (maxTemplates - 1)
	if !x.known || index >= x.count {
		return nil
	}
	return &x.templates[index]
}

// up says whether more temporal layers can be taken after a frame: if it is a switch indication for each decode target
// that has more of them.
func (x *Dependencies) up(t *template, custom bool, r *bits) Up {
	more, able := 0, 0
	for i := range x.targets {
		indication := t.indications[i]
		if custom {
			indication = uint8(r.read(2))
		}
		if x.layers[i].spatial == t.spatial && x.layers[i].temporal > t.temporal {
			more++
			if indication == dtiSwitch {
				able++
			}
		}
	}
	if more > 0 && able == more {
		return UpAfter
	}
	return UpNever
}

func (x *Dependencies) readStructure(r *bits) bool {
	x.idOffset = uint8(r.read(6))
	x.targets = int(r.read(5)) + 1
	if !x.readLayers(r) {
		return false
	}
	for i := range x.count {
		t := &x.templates[i]
		for target := range x.targets {
			indication := uint8(r.read(2))
			t.indications[target] = indication
			if l := &x.layers[target]; indication != dtiNotPresent {
				l.spatial, l.temporal = max(l.spatial, t.spatial), max(l.temporal, t.temporal)
			}
		}
	}
	for range x.count { // template_fdiffs
		for r.flag() {
			r.read(4)
		}
	}
	x.skipChains(r)
	if r.flag() { // resolutions
		spatials := int(x.templates[x.count-1].spatial) + 1
		r.skip(32 * spatials)
	}
	x.known = !r.short
	return x.known
}

// readLayers reads template_layers: each template's, ascending.
func (x *Dependencies) readLayers(r *bits) bool {
	var spatial, temporal uint8
	for x.count < maxTemplates && !r.short {
		t := &x.templates[x.count]
		t.spatial, t.temporal = spatial, temporal
		x.count++
		switch r.read(2) { // next_layer_idc
		case 1:
			temporal++
		case 2:
			temporal = 0
			spatial++
		case 3:
			return !r.short
		}
	}
	return false
}

func (x *Dependencies) skipChains(r *bits) {
	chains := r.readBelow(x.targets + 1)
	if chains == 0 {
		return
	}
	for range x.targets {
		r.readBelow(chains) // decode_target_protected_by
	}
	r.skip(4 * x.count * chains)
}

// AppendRenumbered appends the descriptor b with offset added to its frame number. References between frames are
// differences, so they stay.
func AppendRenumbered(dst, b []byte, offset uint16) []byte {
	start := len(dst)
	dst = append(dst, b...)
	if len(b) >= 3 {
		number := binary.BigEndian.Uint16(b[1:]) + offset
		binary.BigEndian.PutUint16(dst[start+1:], number)
	}
	return dst
}

// bits reads a bit string, most significant bit first. Past its end there are zeros.
type bits struct {
	b     []byte
	at    int  // in bits
	short bool // something was read past the end
}

func (r *bits) flag() bool { return r.read(1) == 1 }

func (r *bits) skip(n int) {
	r.at += n
	r.short = r.short || r.at > 8*len(r.b)
}

func (r *bits) read(n int) (v uint32) {
	for range n {
		v <<= 1
		if i := r.at / 8; i < len(r.b) {
			v |= uint32(r.b[i]>>(7-r.at%8)) & 1
		} else {
			r.short = true
		}
		r.at++
	}
	return v
}

// readBelow reads ns(n), a number below n (AV1 specification, section 4.10.7).
func (r *bits) readBelow(n int) int {
	w := 0
	for x := n; x != 0; x >>= 1 {
		w++
	}
	m := 1<<w - n
	v := int(r.read(w - 1))
	if v < m {
		return v
	}
	return v<<1 - m + int(r.read(1))
}
