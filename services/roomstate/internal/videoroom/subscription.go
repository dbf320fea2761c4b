package videoroom

import (
	"slices"
	"strconv"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// watches tells whether a publisher is the source of anything.
func (s *subscriber) watches(h plugin.HandleID) bool {
	return slices.ContainsFunc(s.Slots, func(sl slot) bool {
		return sl.Source != nil && sl.Source.Handle == h ||
			slices.ContainsFunc(sl.Data, func(from source) bool { return from.Handle == h })
	})
}

// drop takes a publisher's streams out. A data slot keeps its m= section.
func (s *subscriber) drop(h plugin.HandleID) {
	for i := range s.Slots {
		sl := &s.Slots[i]
		if sl.Source != nil && sl.Source.Handle == h {
			sl.clear()
			s.Changed = true
		}
		had := len(sl.Data)
		sl.Data = slices.DeleteFunc(sl.Data, func(from source) bool { return from.Handle == h })
		sl.Ready = sl.Ready && (had == 0 || len(sl.Data) > 0) // until it is negotiated again
	}
}

// clear makes a slot inactive.
func (s *slot) clear() {
	s.Source, s.Data, s.Ready = nil, nil, false
	s.Now = unknown
}

// wish is a stream to be subscribed to, with what is wanted of it.
type wish struct {
	feed *publisher
	from *stream
	item object
}

// add gives a wish a slot: the first inactive one of its type and codec, or a new one. It reports whether that has
// to be negotiated; a further source of data does not.
func (s *subscriber) add(w wish) (changed bool) {
	from := source{Handle: w.feed.handle, Generation: w.feed.Generation, Feed: w.feed.ID, Mid: w.from.Mid}
	if w.from.Type == data {
		return s.addData(from)
	}
	at := slices.IndexFunc(s.Slots, func(sl slot) bool {
		return !sl.active() && sl.Type == w.from.Type && sl.Codec == w.from.Codec
	})
	if at < 0 {
		at = len(s.Slots)
		s.Slots = append(s.Slots, slot{Type: w.from.Type, Mid: strconv.Itoa(at)})
	}
	sl := &s.Slots[at]
	*sl = slot{Type: sl.Type, Mid: sl.Mid, Send: true, Targets: highest, Now: unknown}
	sl.take(from, w.from)
	if ref, ok := w.item.Text("crossrefid"); ok {
		sl.CrossRef = &ref
	}
	return true
}

func (s *subscriber) addData(from source) bool {
	at := slices.IndexFunc(s.Slots, func(sl slot) bool { return sl.Type == data })
	if at < 0 {
		s.Slots = append(s.Slots, slot{
			Type: data, Mid: strconv.Itoa(len(s.Slots)), Send: true, Data: []source{from}, Now: unknown,
		})
		return true
	}
	if sl := &s.Slots[at]; !slices.Contains(sl.Data, from) {
		sl.Data = append(sl.Data, from)
	}
	return false
}

// take puts a stream behind a slot.
func (s *slot) take(from source, of *stream) {
	s.Source = &from
	s.Codec, s.Stereo, s.FEC, s.DTX = of.Codec, of.Stereo, of.FEC, of.DTX
	s.H264Profile, s.VP9Profile = of.H264Profile, of.VP9Profile
	s.Level, s.Orientation, s.Delay = of.LevelID != 0, of.OrientID != 0, of.DelayID != 0
}
