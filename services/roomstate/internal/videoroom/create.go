package videoroom

import (
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// The codecs that a room may have, and how many of each kind.
var (
	audioCodecs = []string{"opus", "multiopus", "isac32", "isac16", "pcmu", "pcma", "g722", "l16", "l16-48"}
	videoCodecs = []string{"vp8", "vp9", "h264", "av1", "h265"}
)

// relayable are those that nodes can offer; a dummy may have others, that nobody can subscribe to.
var relayable = map[string]bool{
	"opus": true, "pcmu": true, "pcma": true, "g722": true, "vp8": true, "vp9": true, "h264": true, "av1": true,
}

const (
	mostCodecs   = 5
	leastBitrate = 64000 // what a smaller cap is raised to
)

var createTable = []field{
	may("description", text), may("is_private", boolean), may("allowed", array), may("secret", text), may("pin", text),
	may("require_pvtid", boolean), may("signed_tokens", boolean), may("bitrate", positive), may("bitrate_cap", boolean),
	may("fir_freq", positive), may("publishers", positive), may("audiocodec", text), may("videocodec", text),
	may("vp9_profile", text), may("h264_profile", text), may("opus_fec", boolean), may("opus_dtx", boolean),
	may("opus_red", boolean), may("audio_loudest", positive), // Cardea's own
	may("audiolevel_ext", boolean), may("audiolevel_event", boolean),
	may("audio_active_packets", positive), may("audio_level_average", positive),
	may("videoorient_ext", boolean), may("playoutdelay_ext", boolean), may("transport_wide_cc_ext", boolean),
	may("record", boolean), may("rec_dir", text), may("lock_record", boolean), may("permanent", boolean),
	may("notify_joining", boolean), may("require_e2ee", boolean), may("dummy_publisher", boolean),
	may("dummy_streams", array), may("dummy_e2ee", boolean), may("threads", positive),
}

type roomView struct {
	VideoRoom string `json:"videoroom"`
	Room      ID     `json:"room"`
	Permanent *bool  `json:"permanent,omitempty"`
}

// create makes a room. It stays until it is destroyed, permanent or not: the store is what Janus's memory and its
// configuration file are.
func (d *draft) create() (any, *failure) {
	if f := check(d.body, createTable...); f != nil {
		return nil, f
	}
	if f := check(d.body, may("room", d.cfg.idKind())); f != nil {
		return nil, f
	}
	if key := d.cfg.AdminKey; key != nil && !d.Command.Over {
		if f := d.secretFits("admin_key", true, key.Text()); f != nil {
			return nil, f
		}
	}
	a, f := d.newAttributes()
	if f != nil {
		return nil, f
	}
	if d.attributes != nil {
		return nil, fail(errRoomExists, "Room %s already exists", d.id)
	}
	switch full, known := d.Full(d.cfg.MaxRooms); {
	case !known:
		return nil, nil
	case full:
		d.Meet(plugin.Rooms)
		return nil, fail(errUnknown, "Maximum number of rooms (%d) already reached", d.cfg.MaxRooms)
	}
	if d.cfg.AdminKey == nil && !d.Command.Over && !d.Counts(d.cfg.SessionRooms) { // who has the key is trusted with more
		return nil, fail(errUnknown, "Maximum number of rooms (%d) already reached", d.cfg.SessionRooms)
	}
	d.attributes = a
	d.created = true
	d.touched[fieldRoom] = true
	if a.DummyPublisher {
		d.addDummy()
	}
	if !d.Command.Over { // else nobody asked for it: it is the room that is there from the start
		d.notice(notice{Event: "created"})
	}
	return d.roomView("created"), nil
}

func (d *draft) roomView(what string) roomView {
	permanent := d.body.BoolOr("permanent", false) && !d.cfg.Forgets
	return roomView{what, d.id, &permanent}
}

// maxText is how long each text of a room may be, in bytes: lists of rooms have to fit into messages, and all rooms into Redis.
const maxText = 4096

// short fails if one of the fields is longer than that.
func (d *draft) short(names ...string) *failure {
	for _, name := range names {
		if v, _ := d.body.Text(name); len(v) > maxText {
			return fail(errInvalid, "Invalid value (%s should have at most %d bytes)", name, maxText)
		}
	}
	return nil
}

func (d *draft) newAttributes() (*attributes, *failure) {
	if f := d.short("room", "description", "rec_dir", "secret", "pin", "vp9_profile", "h264_profile"); f != nil {
		return nil, f
	}
	b := d.body
	a := &attributes{
		Description:        "Room " + d.id.String(),
		Private:            b.BoolOr("is_private", false),
		RequirePrivateID:   b.BoolOr("require_pvtid", false),
		SignedTokens:       b.BoolOr("signed_tokens", false) && d.cfg.TokenSecret != nil,
		RequireE2EE:        b.BoolOr("require_e2ee", false),
		Publishers:         3,
		Bitrate:            raised(b.Uint32Or("bitrate", 0)),
		BitrateCap:         b.BoolOr("bitrate_cap", false),
		KeyframeEvery:      b.Uint32Or("fir_freq", 0),
		OpusFEC:            b.BoolOr("opus_fec", true),
		OpusDTX:            b.BoolOr("opus_dtx", false),
		OpusRED:            b.BoolOr("opus_red", false),
		AudioLoudest:       b.Uint32Or("audio_loudest", 0),
		AudioLevel:         b.BoolOr("audiolevel_ext", true),
		AudioLevelEvent:    b.BoolOr("audiolevel_event", false),
		AudioActivePackets: b.Uint32Or("audio_active_packets", 100),
		AudioLevelAverage:  b.Uint32Or("audio_level_average", 25),
		Orientation:        b.BoolOr("videoorient_ext", true),
		PlayoutDelay:       b.BoolOr("playoutdelay_ext", true),
		TransportCC:        b.BoolOr("transport_wide_cc_ext", true),
		Record:             b.BoolOr("record", false),
		LockRecord:         b.BoolOr("lock_record", false),
		NotifyJoining:      b.BoolOr("notify_joining", false),
		DummyPublisher:     b.BoolOr("dummy_publisher", false),
	}
	if description, ok := b.Text("description"); ok && description != "" {
		a.Description = description
	}
	if n, ok := b.Int("publishers"); ok {
		a.Publishers = n
	}
	a.Secret, a.HasSecret = b.Text("secret")
	a.Pin, a.HasPin = b.Text("pin")
	a.RecordDir, _ = b.Text("rec_dir")
	if b.Has("allowed") {
		allowed, ok := b.Strings("allowed")
		if !ok {
			return nil, fail(errInvalid, "Invalid element in the allowed array (not a string)")
		}
		if words := request.TooManyTokens(allowed); words != "" {
			return nil, fail(errUnknown, "%s", words)
		}
		a.Allowed, a.CheckAllowed = allowed, true
	}
	return a, d.setCodecs(a)
}

func (d *draft) setCodecs(a *attributes) *failure {
	var ok bool
	if a.AudioCodecs, ok = codecList(d.body, "audiocodec", "opus", audioCodecs); !ok {
		return fail(errInvalid, "Invalid element (audiocodec can only be or contain opus, isac32, isac16, pcmu, pcma or g722)")
	}
	if a.VideoCodecs, ok = codecList(d.body, "videocodec", "vp8", videoCodecs); !ok {
		return fail(errInvalid, "Invalid element (videocodec can only be or contain vp8, vp9, av1, h264 or h265)")
	}
	// What only concerns a codec that the room has not is dropped.
	if slices.Contains(a.VideoCodecs, "vp9") {
		a.VP9Profile, _ = d.body.Text("vp9_profile")
	}
	if slices.Contains(a.VideoCodecs, "h264") {
		a.H264Profile, _ = d.body.Text("h264_profile")
	}
	if !slices.Contains(a.AudioCodecs, "opus") {
		a.OpusFEC, a.OpusDTX, a.OpusRED = false, false, false
	}
	return nil
}

func codecList(body object, name, absent string, known []string) ([]string, bool) {
	list := absent
	if given, ok := body.Text(name); ok && given != "" {
		list = strings.ToLower(given) // Janus reads names of codecs so
	}
	codecs := strings.Split(list, ",")
	for _, codec := range codecs {
		if !slices.Contains(known, codec) {
			return nil, false
		}
	}
	return codecs[:min(len(codecs), mostCodecs)], true
}

// raised is a bitrate cap as Janus takes it: one that is too small to be meant is raised.
func raised(bitrate uint32) uint32 {
	if bitrate > 0 && bitrate < leastBitrate {
		return leastBitrate
	}
	return bitrate
}
