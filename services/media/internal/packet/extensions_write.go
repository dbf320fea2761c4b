package packet

import "encoding/binary"

// append writes an extension block with the values that e has and ids has numbers for; nothing if there are none.
// The one-byte form is used unless a number or a length needs the other.
func (e *Extensions) append(dst []byte, ids *ExtensionIDs) []byte {
	start := len(dst)
	w := elementWriter{dst: append(dst, 0, 0, 0, 0), oneByte: e.fitOneByte(ids)}
	if e.Present.Has(HasMID) && w.element(ids.MID, len(e.MID)) {
		w.dst = append(w.dst, e.MID...)
	}
	if e.Present.Has(HasRID) && w.element(ids.RID, len(e.RID)) {
		w.dst = append(w.dst, e.RID...)
	}
	if e.Present.Has(HasRepairedRID) && w.element(ids.RepairedRID, len(e.RepairedRID)) {
		w.dst = append(w.dst, e.RepairedRID...)
	}
	if e.Present.Has(HasTransportCC) && w.element(ids.TransportCC, 2) {
		w.dst = binary.BigEndian.AppendUint16(w.dst, e.TransportSeq)
	}
	if e.Present.Has(HasAbsSendTime) && w.element(ids.AbsSendTime, 3) {
		w.uint24(e.AbsSendTime)
	}
	if e.Present.Has(HasAudioLevel) && w.element(ids.AudioLevel, 1) {
		level := e.AudioLevel.Level & 0x7f
		if e.AudioLevel.Voice {
			level |= 0x80
		}
		w.dst = append(w.dst, level)
	}
	if e.Present.Has(HasVideoOrientation) && w.element(ids.VideoOrientation, 1) {
		w.dst = append(w.dst, e.VideoOrientation)
	}
	if e.Present.Has(HasPlayoutDelay) && w.element(ids.PlayoutDelay, 3) {
		w.uint24(uint32(e.PlayoutDelay.Min)<<12 | uint32(e.PlayoutDelay.Max)&0xfff)
	}
	if e.Present.Has(HasAbsCaptureTime) && w.element(ids.AbsCaptureTime, e.AbsCaptureTime.size()) {
		w.dst = binary.BigEndian.AppendUint64(w.dst, e.AbsCaptureTime.NTP)
		if e.AbsCaptureTime.HasOffset {
			w.dst = binary.BigEndian.AppendUint64(w.dst, uint64(e.AbsCaptureTime.Offset))
		}
	}
	if e.Present.Has(HasDependencyDescriptor) && w.element(ids.DependencyDescriptor, len(e.DependencyDescriptor)) {
		w.dst = append(w.dst, e.DependencyDescriptor...)
	}
	return w.finish(start)
}

// fitOneByte is true if all that is to be written has numbers up to 14 and lengths from 1 to 16.
func (e *Extensions) fitOneByte(ids *ExtensionIDs) bool {
	fits := func(kind Set, id uint8, size int) bool {
		return !e.Present.Has(kind) || id == 0 || id < 15 && size >= 1 && size <= 16
	}
	return fits(HasMID, ids.MID, len(e.MID)) &&
		fits(HasRID, ids.RID, len(e.RID)) &&
		fits(HasRepairedRID, ids.RepairedRID, len(e.RepairedRID)) &&
		fits(HasTransportCC, ids.TransportCC, 2) &&
		fits(HasAbsSendTime, ids.AbsSendTime, 3) &&
		fits(HasAudioLevel, ids.AudioLevel, 1) &&
		fits(HasVideoOrientation, ids.VideoOrientation, 1) &&
		fits(HasPlayoutDelay, ids.PlayoutDelay, 3) &&
		fits(HasAbsCaptureTime, ids.AbsCaptureTime, 8) &&
		fits(HasDependencyDescriptor, ids.DependencyDescriptor, len(e.DependencyDescriptor))
}

func (t *AbsCaptureTime) size() int {
	if t.HasOffset {
		return 16
	}
	return 8
}

// elementWriter appends the elements of one extension block.
type elementWriter struct {
	dst     []byte
	oneByte bool
}

// element starts an element, and is false if its number was not negotiated or no form can hold its length.
func (w *elementWriter) element(id uint8, size int) bool {
	if id == 0 || size > 255 {
		return false
	}
	if w.oneByte {
		w.dst = append(w.dst, id<<4|uint8(size-1))
	} else {
		w.dst = append(w.dst, id, uint8(size))
	}
	return true
}

func (w *elementWriter) uint24(v uint32) {
	w.dst = append(w.dst, byte(v>>16), byte(v>>8), byte(v))
}

// finish pads the block that began at start to whole words and fills in its head, or takes it back if it is empty.
func (w *elementWriter) finish(start int) []byte {
	body := start + 4
	if len(w.dst) == body {
		return w.dst[:start]
	}
	for (len(w.dst)-body)%4 != 0 {
		w.dst = append(w.dst, 0)
	}
	profile := uint16(twoByteProfile)
	if w.oneByte {
		profile = oneByteProfile
	}
	binary.BigEndian.PutUint16(w.dst[start:], profile)
	binary.BigEndian.PutUint16(w.dst[start+2:], uint16((len(w.dst)-body)/4))
	return w.dst
}
