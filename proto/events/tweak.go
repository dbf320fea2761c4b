package events

import "strings"

// Tweak changes which kinds of events are wanted: names as Config.Mask has them, comma-separated. Unknown ones are passed
// over, as at Janus.
func (e *Emitter) Tweak(kinds string) {
	if e != nil {
		e.mask.Store(uint32(known(kinds)))
	}
}

func known(names string) Mask {
	var m Mask
	for name := range strings.SplitSeq(names, ",") {
		if one, err := ParseMask([]string{name}); err == nil {
			m |= one
		}
	}
	return m
}
