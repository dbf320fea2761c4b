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
		Dummy: true, E2EE: d.body.BoolOr("dummy_e2ee", false), Streams: d.dummyStreams(),
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

// dummyStreams are one for each codec of the room, or for each of those that dummy_streams names; the last of a codec counts.
// What makes no sense there is passed over.
func (d *draft) dummyStreams() []stream {
	a := d.attributes
	wanted := map[string]string{} // parameters, in the form of a=fmtp, by codec
	items := d.body.Objects("dummy_streams")
	for _, item := range items {
		codec, _ := item.Text("codec")
		fmtp, ok := item.Text("fmtp")
		if (ok || !item.Has("fmtp")) && len(fmtp) <= maxText {
			wanted[codec] = fmtp
		}
	}
	var all []stream
	for i, codec := range slices.Concat(a.AudioCodecs, a.VideoCodecs) {
		fmtp, named := wanted[codec]
		if len(items) > 0 && !named {
			continue
		}
		s := stream{Type: audio, Mid: strconv.Itoa(len(all)), Codec: codec}
		if i >= len(a.AudioCodecs) {
			s.Type = video
		}
		switch codec {
		case "opus":
			s.Stereo = parameterOr(fmtp, "stereo", parameterOr(fmtp, "sprop-stereo", "")) == "1"
			s.FEC = a.OpusFEC && parameterOr(fmtp, "useinbandfec", "") == "1"
			s.DTX = a.OpusDTX && parameterOr(fmtp, "usedtx", "") == "1"
		case "h264":
			s.H264Profile = parameterOr(fmtp, "profile-level-id", a.H264Profile)
		case "vp9":
			s.VP9Profile = parameterOr(fmtp, "profile-id", a.VP9Profile)
		}
		all = append(all, s)
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
