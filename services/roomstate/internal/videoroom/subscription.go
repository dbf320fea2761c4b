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
			s.Changed = s.Changed || s.AutoUpdate
			s.Unasked = s.Unasked || !s.AutoUpdate
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

// add gives a wish a slot: the first without a source of its type and codec, or a new one. It returns that slot, which has to be
// negotiated, or nil if there is nothing to negotiate: a further source of data goes the way of the others.
func (s *subscriber) add(w wish) *slot {
	from := source{Handle: w.feed.handle, Generation: w.feed.Generation, Feed: w.feed.ID, Mid: w.from.Mid}
	if w.from.Type == data && s.addData(from) {
		return nil
	}
	at := slices.IndexFunc(s.Slots, func(sl slot) bool {
		return !sl.fed() && sl.Type == w.from.Type && sl.Codec == w.from.Codec
	})
	if at < 0 {
		at = len(s.Slots)
		s.Slots = append(s.Slots, slot{Type: w.from.Type, Mid: strconv.Itoa(at)})
	}
	sl := &s.Slots[at]
	*sl = slot{Type: sl.Type, Mid: sl.Mid, Ready: sl.Ready && sl.Type == data, Send: true, Targets: highest, Now: unknown}
	if sl.Type == data {
		sl.Data = []source{from}
	} else {
		sl.take(from, w.from)
		if s.UseMSID {
			sl.MSID = from.Feed.String()
		}
	}
	if ref, ok := w.item.Text("crossrefid"); ok {
		sl.CrossRef = &ref
	}
	return sl
}

// addData adds a source to the data slot, if that has any already, which it reports.
func (s *subscriber) addData(from source) bool {
	at := slices.IndexFunc(s.Slots, func(sl slot) bool { return len(sl.Data) > 0 })
	if at < 0 {
		return false
	}
	if sl := &s.Slots[at]; !slices.Contains(sl.Data, from) {
		sl.Data = append(sl.Data, from)
	}
	return true
}

// take puts a stream behind a slot.
func (s *slot) take(from source, of *stream) {
	s.Source = &from
	s.Codec, s.Stereo, s.FEC, s.DTX = of.Codec, of.Stereo, of.FEC, of.DTX
	s.H264Profile, s.VP9Profile = of.H264Profile, of.VP9Profile
	s.Level, s.Orientation, s.Delay = of.LevelID != 0, of.OrientID != 0, of.DelayID != 0
}
