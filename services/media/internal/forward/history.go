package forward

// run is an unbroken stretch of a leg's outgoing sequence numbers: from out on, packet for packet, it is the packets
// of one layer from src on, with these differences. It ends where the next run begins.
type run struct {
	out, src  uint64 // extended sequence numbers
	ts        uint32 // outgoing minus source's timestamp
	pictureID uint16 // likewise, modulo the field's width
	tl0       uint8  // likewise
	layer     uint8
	spatial   uint8 // of SVC: the highest spatial layer relayed
}

// maxRuns is how far back a history goes. A run ends when a frame is left out, so with half of 30 frames a second cut
// this is some four seconds.
const maxRuns = 64

// runHistory is how outgoing packets follow from received ones. Its last run is the one in force.
type runHistory struct {
	runs []run // ascending by out
}

func (h *runHistory) reset() { h.runs = h.runs[:0] }

// forget drops all before an outgoing number, which is of the run in force; that one goes on.
func (h *runHistory) forget(next uint64) {
	if len(h.runs) == 0 {
		return
	}
	r := *h.last()
	r.src += next - r.out
	r.out = next
	h.runs = append(h.runs[:0], r)
}

// last returns the run in force. There must be one.
func (h *runHistory) last() *run { return &h.runs[len(h.runs)-1] }

// start puts a run in force. One that it leaves without any packet is forgotten, as is the oldest of too many.
func (h *runHistory) start(r run) {
	if n := len(h.runs); n > 0 && h.runs[n-1].out == r.out {
		h.runs[n-1] = r
		return
	}
	if len(h.runs) == maxRuns {
		h.runs = append(h.runs[:0], h.runs[1:]...)
	}
	h.runs = append(h.runs, r)
}

// cutBack drops what begins at an outgoing number or above.
func (h *runHistory) cutBack(out uint64) {
	for len(h.runs) > 0 && h.last().out >= out {
		h.runs = h.runs[:len(h.runs)-1]
	}
}

// byOut returns the run that an outgoing number is of, or nil.
func (h *runHistory) byOut(out uint64) *run {
	for i := len(h.runs) - 1; i >= 0; i-- {
		if h.runs[i].out <= out {
			return &h.runs[i]
		}
	}
	return nil
}

// bySource returns the run with a place for a layer's packet, and the packet's outgoing number. It looks only at runs
// from since on, and finds nothing for a packet that was left out.
func (h *runHistory) bySource(layer uint8, src, since uint64) (r *run, out uint64) {
	end := uint64(1<<64 - 1)
	for i := len(h.runs) - 1; i >= 0 && h.runs[i].out >= since; i-- {
		r = &h.runs[i]
		if r.layer == layer && r.src <= src {
			if out = r.out + (src - r.src); out < end {
				return r, out
			}
			return nil, 0
		}
		end = r.out
	}
	return nil, 0
}
