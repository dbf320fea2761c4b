package videoroom

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// remoteStreamTable is what another server's streams may have: it is what configured says there.
var remoteStreamTable = []field{
	must("mid", text), must("mindex", positive), must("type", text), may("codec", text), may("description", text),
	may("disabled", boolean), may("stereo", boolean), may("fec", boolean), may("dtx", boolean),
	may("h264_profile", text), may("vp9_profile", text), may("simulcast", boolean), may("svc", boolean),
	may("audiolevel_ext_id", integer), may("videoorient_ext_id", integer), may("playoutdelay_ext_id", integer),
}

// mostRemoteStreams is how many a remote publisher has: SSRCs between servers are numbered by them.
const mostRemoteStreams = 64

// checkRemoteStreams fails unless remoteStream can go by the items.
func (d *draft) checkRemoteStreams() *failure {
	items := d.body.Objects("streams")
	for _, item := range items {
		if f := check(item, remoteStreamTable...); f != nil {
			return f
		}
		kind := mediaType(item)
		codec, named := item.Text("codec")
		known := audioCodecs
		switch kind {
		case data:
			continue
		case video:
			known = videoCodecs
		case audio:
		default:
			return fail(errInvalid, "Invalid element value (type)")
		}
		if !named {
			return fail(errMissing, "Missing mandatory element (codec)")
		}
		if !slices.Contains(known, strings.ToLower(codec)) {
			return fail(errMissing, "Invalid element value (unsupported codec)")
		}
	}
	if len(items) > mostRemoteStreams {
		return fail(errInvalid, "Invalid element value (more than %d streams)", mostRemoteStreams)
	}
	return nil
}

// mediaType is the type of media that an item names, in lower case: Janus takes any.
func mediaType(item object) string {
	kind, _ := item.Text("type")
	return strings.ToLower(kind)
}

// remoteStream is what an item says, numbered as Janus does it: by its place, whatever mid and mindex it has. One of a codec
// that the room has not is disabled.
func (d *draft) remoteStream(item object, at int) stream {
	s := stream{Mid: strconv.Itoa(at), Disabled: item.BoolOr("disabled", false)}
	s.Type = mediaType(item)
	s.Description, _ = item.Text("description")
	if s.Type == data {
		return s
	}
	codec, _ := item.Text("codec")
	s.Codec = strings.ToLower(codec)
	if !d.has(s.Codec) {
		s.Codec, s.Disabled = "", true
		return s
	}
	if s.Type == audio {
		s.Stereo, s.FEC, s.DTX = item.BoolOr("stereo", false), item.BoolOr("fec", false), item.BoolOr("dtx", false)
		s.LevelID = item.Uint32Or("audiolevel_ext_id", 0)
		return s
	}
	if s.Codec == "h264" {
		s.H264Profile, _ = item.Text("h264_profile")
	}
	if s.Codec == "vp9" {
		s.VP9Profile, _ = item.Text("vp9_profile")
	}
	s.Simulcast, s.SVC = item.BoolOr("simulcast", false), item.BoolOr("svc", false)
	s.OrientID, s.DelayID = item.Uint32Or("videoorient_ext_id", 0), item.Uint32Or("playoutdelay_ext_id", 0)
	return s
}

// has tells whether a codec is the room's, and can be relayed.
func (d *draft) has(codec string) bool {
	a := d.attributes
	return relayable[codec] && (slices.Contains(a.AudioCodecs, codec) || slices.Contains(a.VideoCodecs, codec))
}

// acceptRemote is what a node is told of a remote publisher.
func (d *draft) acceptRemote(p *publisher) *mediav1.AcceptRemoteRequest {
	request := &mediav1.AcceptRemoteRequest{
		Peer: peerID(p.handle, p.Peer), Feed: d.feedName(p.handle, p.Peer.Generation), Srtp: srtp(d.body),
		Rules: &mediav1.PublishRules{
			KeyframeEveryS: d.attributes.KeyframeEvery, Audience: "room " + d.id.String(), LoudestAudio: d.attributes.AudioLoudest,
		},
	}
	if d.attributes.AudioLevelEvent {
		request.Rules.Talk = d.talk(p)
	}
	kinds := map[string]mediav1.Kind{audio: mediav1.Kind_KIND_AUDIO, video: mediav1.Kind_KIND_VIDEO, data: mediav1.Kind_KIND_DATA}
	for i := range p.Streams {
		s := &p.Streams[i]
		request.Streams = append(request.Streams, &mediav1.PublishedStream{
			Mid: s.Mid, Kind: kinds[s.Type], Codec: s.Codec, Disabled: s.Disabled, OpusStereo: s.Stereo, OpusFec: s.FEC, OpusDtx: s.DTX,
			Vp9Profile: s.VP9Profile, H264Profile: s.H264Profile, Simulcast: s.Simulcast, Svc: s.SVC,
			AudioLevelId: s.LevelID, VideoOrientationId: s.OrientID, PlayoutDelayId: s.DelayID,
		})
	}
	return request
}

// srtp is how the request wants packets encrypted; nil if it says nothing. Both fields or neither count.
func srtp(o object) *mediav1.SRTP {
	suite, _ := o.Int("srtp_suite")
	crypto, ok := o.Text("srtp_crypto")
	if !ok || suite == 0 {
		return nil
	}
	key, _ := base64.StdEncoding.DecodeString(crypto) // the node refuses one that is too short
	return &mediav1.SRTP{Suite: uint32(suite), Key: key}
}

// remotePublisher is the one that a request names.
func (d *draft) remotePublisher() (*publisher, *failure) {
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	id, _ := d.body.ID("id", d.cfg.StringIDs)
	p := d.feed(id)
	if p == nil || !p.Remote {
		return nil, fail(errNoSuchFeed, "No such remote publisher (%s)", id)
	}
	return p, nil
}

// notAccepted is what an endpoint is told of a node's refusal of a remote publisher.
func notAccepted(p *publisher, err error) *failure {
	if f := refusedInterface(err); f != nil {
		return f
	}
	return notForwarded(p, err)
}
