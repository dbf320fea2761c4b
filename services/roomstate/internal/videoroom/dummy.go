package videoroom

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// addDummy adds the room's dummy publisher: subscriptions can be set up with it, and be given other sources later without an
// offer (spec/videoroom.md, 12.10).
func (d *draft) addDummy() {
	number := strconv.FormatUint(drawn(d.Command.GetId(), "feed", 0)>>11|1, 10)
	display := "Dummy publisher"
	p := &publisher{
		handle: d.handleless("dummy"), ID: ID(number), Display: &display, Joined: d.Now.UnixNano(),
		Dummy: true, E2EE: d.body.boolOr("dummy_e2ee", false), Streams: d.dummyStreams(),
	}
	if d.cfg.StringIDs {
		p.ID = stringID(number)
	}
	d.addPublisher(p)
}

// handleless names what no handle has.
func (d *draft) handleless(use string) plugin.HandleID {
	return plugin.HandleID{Handle: drawn(d.Command.GetId(), use, 0)>>11 | 1}
}

// dummyStreams are one for each codec of the room, or for each of those in dummy_streams. What makes no sense there is passed over.
func (d *draft) dummyStreams() []stream {
	a := d.attributes
	var all []stream
	add := func(codec, fmtp string) {
		s := stream{Type: audio, Mid: strconv.Itoa(len(all)), Codec: codec}
		switch {
		case slices.Contains(a.VideoCodecs, codec):
			s.Type = video
		case !slices.Contains(a.AudioCodecs, codec):
			return
		}
		switch codec {
		case "h264":
			s.H264Profile = parameterOr(fmtp, "profile-level-id", a.H264Profile)
		case "vp9":
			s.VP9Profile = parameterOr(fmtp, "profile-id", a.VP9Profile)
		}
		if !slices.ContainsFunc(all, func(other stream) bool { return other.Codec == codec }) {
			all = append(all, s)
		}
	}
	items := d.body.objects("dummy_streams")
	if len(items) == 0 {
		for _, codec := range slices.Concat(a.AudioCodecs, a.VideoCodecs) {
			add(codec, "")
		}
	}
	for _, item := range items {
		codec, _ := item.text("codec")
		fmtp, ok := item.text("fmtp")
		if ok || !item.has("fmtp") {
			add(codec, fmtp)
		}
	}
	return all
}

// parameterOr is one of the parameters in the form of a=fmtp.
func parameterOr(fmtp, name, absent string) string {
	for one := range strings.SplitSeq(fmtp, ";") {
		if key, value, _ := strings.Cut(strings.TrimSpace(one), "="); key == name {
			return value
		}
	}
	return absent
}
