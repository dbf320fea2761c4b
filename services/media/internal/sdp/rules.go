package sdp

import (
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// URIs of header extensions.
const (
	uriAudioLevel           = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriAbsSendTime          = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriTransportCC          = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	uriMID                  = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriRID                  = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	uriRepairedRID          = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	uriAbsCaptureTime       = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
	uriPlayoutDelay         = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
	uriVideoOrientation     = "urn:3gpp:video-orientation"
	uriDependencyDescriptor = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

// uris are all that are understood.
var uris = map[string]bool{
	uriAudioLevel: true, uriAbsSendTime: true, uriTransportCC: true, uriMID: true, uriRID: true, uriRepairedRID: true,
	uriAbsCaptureTime: true, uriPlayoutDelay: true, uriVideoOrientation: true, uriDependencyDescriptor: true,
}

// Rules say what may be taken from an offer. Codecs have Janus's names.
type Rules struct {
	AudioCodecs, VideoCodecs  []string // most wanted first
	VP9Profile, H264Profile   string   // wanted; empty for any
	OpusFEC, OpusDTX          bool
	OpusRED                   bool // redundancy (RFC 2198)
	AudioLevel                bool // header extensions
	VideoOrientation          bool
	PlayoutDelay, TransportCC bool
	Echo                      bool // media goes back, and with more extensions
}

// Stream is what is taken of one m= section of an offer.
type Stream struct {
	MID       string
	Kind      Kind
	Refused   bool      // the answer has port 0
	Direction Direction // ours
	Format    Format    // empty if refused, and of data
	RTX       *uint8    // its payload type
	RED       *uint8    // likewise: of Opus with redundancy
	Offered   []Extension
	IDs       packet.ExtensionIDs
	SSRCs     []uint32 // see Section
	Repair    map[uint32]uint32
	RIDs      []string
	Simulcast bool
	Protocol  string
	SCTPMap   bool
}

// Disabled is true if no media will come.
func (s *Stream) Disabled() bool { return s.Refused || s.Kind != Data && !s.Direction.Receives() }

// Feedback reports whether kind of RTCP feedback was agreed, as in "nack pli".
func (s *Stream) Feedback(kind string) bool { return slices.Contains(s.Format.Feedback, kind) }

// Parameter is one of the codec's, as in a=fmtp.
func (s *Stream) Parameter(name string) string { return s.Format.parameter(name) }

// Choose decides what is taken of an offer, m= section by m= section. Those that before has already keep their codecs, for those who
// receive them.
func Choose(offer *Description, rules *Rules, before []Stream) []Stream {
	streams := make([]Stream, len(offer.Sections))
	data := false // taken
	for i := range offer.Sections {
		now := rules
		if i < len(before) && !before[i].Refused && before[i].MID == offer.Sections[i].MID {
			now = rules.keeping(before[i].Format.Codec)
		}
		s := now.choose(&offer.Sections[i])
		if s.Kind == Data {
			if data {
				s = refuse(&offer.Sections[i])
			}
			data = data || !s.Refused
		}
		streams[i] = s
	}
	for i := range streams {
		offer.layered(&streams[i])
	}
	return streams
}

// layered leaves a stream its layers only if packets will say of which one they are: by rid and mid, or by a rid that no other
// m= section has.
func (d *Description) layered(s *Stream) {
	shared := func(other Section) bool {
		return other.MID != s.MID && slices.ContainsFunc(other.RIDs, func(rid string) bool { return slices.Contains(s.RIDs, rid) })
	}
	if len(s.RIDs) > 0 && (s.IDs.RID == 0 || s.IDs.MID == 0 && slices.ContainsFunc(d.Sections, shared)) {
		s.RIDs, s.Simulcast = nil, false
	}
}

// keeping is the rules for one codec.
func (r *Rules) keeping(codec string) *Rules {
	one := *r
	one.AudioCodecs, one.VideoCodecs = []string{codec}, []string{codec}
	return &one
}

func refuse(s *Section) Stream {
	return Stream{MID: s.MID, Kind: s.Kind, Protocol: s.Protocol, Direction: Inactive, Refused: true}
}

func (r *Rules) choose(s *Section) Stream {
	if s.Rejected {
		return refuse(s)
	}
	st := Stream{
		MID: s.MID, Kind: s.Kind, Protocol: s.Protocol, Direction: r.direction(s.Direction),
		SSRCs: s.SSRCs, Repair: s.Repair, RIDs: s.RIDs, Simulcast: s.Simulcast, SCTPMap: s.SCTPMap,
	}
	if s.Kind == Data {
		st.Direction = SendRecv
		return st
	}
	format, ok := r.format(s)
	if !ok {
		return refuse(s)
	}
	r.takeExtensions(s, format.Codec, &st)
	st.Format = format
	st.Format.Parameters = r.parameters(format)
	st.Format.Feedback = r.feedback(s.Kind, format, st.IDs.TransportCC != 0)
	if s.Kind == Video {
		st.RTX = repairOf(s, format.PayloadType)
	}
	if r.OpusRED && format.Codec == "opus" {
		st.RED = redundancyOf(s, format.PayloadType)
	}
	return st
}

func (r *Rules) direction(offered Direction) Direction {
	switch {
	case !offered.Sends():
		return Inactive
	case r.Echo && offered == SendRecv:
		return SendRecv
	}
	return RecvOnly
}

// format picks the payload type: the first codec of the rules that is offered, in the form that fits best.
func (r *Rules) format(s *Section) (Format, bool) {
	codecs := r.AudioCodecs
	if s.Kind == Video {
		codecs = r.VideoCodecs
	}
	for _, codec := range codecs {
		var best *Format
		for i := range s.Formats {
			f := &s.Formats[i]
			if f.Codec == codec && f.relayed() && (best == nil || r.fitness(f) > r.fitness(best)) {
				best = f
			}
		}
		if best != nil && (r.profileFits(best) || !r.Echo) { // EchoTest is asked for exactly that, as at Janus
			return *best, true
		}
	}
	return Format{}, false
}

// relayed is false of H.264 whose packets are interleaved, which nobody else could be sent.
func (f *Format) relayed() bool {
	mode := f.parameter("packetization-mode")
	return f.Codec != "h264" || mode == "" || mode == "0" || mode == "1"
}

// fitness compares forms of a codec. H.264 of several NAL units a packet (packetization-mode=1) counts more than the wanted
// profile: with the other, slices have to fit packets.
func (r *Rules) fitness(f *Format) int {
	n := 0
	if f.Codec == "h264" && f.parameter("packetization-mode") == "1" {
		n += 2
	}
	if r.profileFits(f) {
		n++
	}
	return n
}

func (r *Rules) profileFits(f *Format) bool {
	switch f.Codec {
	case "vp9":
		return r.VP9Profile == "" || f.vp9Profile() == r.VP9Profile
	case "h264":
		return r.H264Profile == "" || strings.EqualFold(f.parameter("profile-level-id"), r.H264Profile)
	}
	return true
}

// vp9Profile is 0 if not said (RFC 9628, section 7).
func (f Format) vp9Profile() string {
	if p := f.parameter("profile-id"); p != "" {
		return p
	}
	return "0"
}

// parameters are those of the answer.
func (r *Rules) parameters(f Format) string {
	switch f.Codec {
	case "opus":
		var all []string
		if r.OpusFEC && f.parameter("useinbandfec") == "1" {
			all = append(all, "useinbandfec=1")
		}
		if r.OpusDTX && f.parameter("usedtx") == "1" {
			all = append(all, "usedtx=1")
		}
		if f.parameter("stereo") == "1" {
			all = append(all, "stereo=1")
		}
		return strings.Join(all, ";")
	case "vp8", "vp9", "h264", "av1":
		return f.Parameters
	}
	return ""
}

var videoFeedback = []string{"ccm fir", "nack", "nack pli", "goog-remb", "transport-cc"}

// feedback is what both sides know.
func (r *Rules) feedback(kind Kind, f Format, transportCC bool) []string {
	known := []string{"transport-cc"}
	if kind == Video {
		known = videoFeedback
	}
	var taken []string
	for _, fb := range known {
		if slices.Contains(f.Feedback, fb) && (fb != "transport-cc" || transportCC) {
			taken = append(taken, fb)
		}
	}
	return taken
}

// takeExtensions keeps the endpoint's numbers (RFC 8285, section 5).
func (r *Rules) takeExtensions(s *Section, codec string, st *Stream) {
	video := s.Kind == Video
	for _, x := range s.Extensions {
		if !x.Direction.Sends() {
			continue
		}
		var id *uint8
		switch x.URI {
		case uriMID:
			id = &st.IDs.MID
		case uriRID:
			id = &st.IDs.RID
		case uriRepairedRID:
			id = &st.IDs.RepairedRID
		case uriTransportCC:
			id = when(r.TransportCC, &st.IDs.TransportCC)
		case uriAudioLevel:
			id = when(!video && r.AudioLevel, &st.IDs.AudioLevel)
		case uriVideoOrientation:
			id = when(video && r.VideoOrientation, &st.IDs.VideoOrientation)
		case uriPlayoutDelay:
			id = when(video && r.PlayoutDelay, &st.IDs.PlayoutDelay)
		case uriDependencyDescriptor:
			id = when(video && (codec == "vp9" || codec == "av1"), &st.IDs.DependencyDescriptor)
		case uriAbsSendTime:
			id = when(r.Echo, &st.IDs.AbsSendTime)
		case uriAbsCaptureTime:
			id = &st.IDs.AbsCaptureTime
		}
		if id != nil && *id == 0 {
			*id = x.ID
			st.Offered = append(st.Offered, x)
		}
	}
}

func when(wanted bool, id *uint8) *uint8 {
	if wanted {
		return id
	}
	return nil
}

// repairOf finds the RTX payload type of another (RFC 4588, section 8.6).
func repairOf(s *Section, pt uint8) *uint8 {
	for i := range s.Formats {
		f := &s.Formats[i]
		if f.Codec == "rtx" && f.parameter("apt") == formatNumber(pt) {
			return &f.PayloadType
		}
	}
	return nil
}

// redundancyOf finds the RED payload type of which all blocks are of another (RFC 2198, section 5).
func redundancyOf(s *Section, pt uint8) *uint8 {
	for i := range s.Formats {
		f := &s.Formats[i]
		if f.Codec != "red" {
			continue
		}
		inside := strings.Split(strings.TrimSpace(f.Parameters), "/")
		if !slices.ContainsFunc(inside, func(one string) bool { return one != formatNumber(pt) }) {
			return &f.PayloadType
		}
	}
	return nil
}
