package videoroom

import (
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// takeOffer has the node answer a publisher's offer, and takes over what it publishes by it. It returns nil without
// a failure if the turn has ended.
func (d *draft) takeOffer(p *publisher) (*busv1.Jsep, *failure) {
	jsep := d.Command.GetMessage().GetJsep()
	if jsep.GetType() != "offer" {
		return nil, fail(errSDPType, "Unknown SDP type '%s'", jsep.GetType())
	}
	if p.Peer == nil {
		if most := d.attributes.Publishers; int64(d.publishing(p)) >= most {
			d.Meet(plugin.Publishers)
			return nil, fail(errPublishersFull, "Maximum number of publishers (%d) already reached", most)
		}
	}
	if d.attributes.RequireE2EE && !jsep.GetE2Ee() {
		return nil, fail(errUnauthorized, "Room requires end-to-end encrypted media")
	}
	rules, f := d.publishRules(p)
	if f != nil {
		return nil, f
	}
	peer := d.publishingPeer(p)
	if peer == nil {
		return nil, nil
	}
	d.followRecording(p)
	response, ok, err := d.call(p.handle, peer, &mediav1.AcceptOfferRequest{
		Peer:           peerID(p.handle, peer),
		Sdp:            jsep.GetSdp(),
		Feed:           d.feedName(p.handle, peer.Generation),
		SessionName:    "VideoRoom " + d.id.String(),
		Rules:          rules,
		LowestRidFirst: jsep.GetLowestRidFirst(),
		E2Ee:           jsep.GetE2Ee(),
		Recording:      d.recordingOrder(p),
	})
	if !ok {
		return nil, nil
	}
	if err != nil {
		// The core reads an SDP before the plugin does: what is wrong with it, or with the node, is its error.
		d.Failure = refused(err)
		return nil, nil
	}
	accepted, _ := response.(*mediav1.AcceptOfferResponse)
	if p.Peer == nil {
		d.Made = append(d.Made, key(p.handle, peer))
		p.Generation = peer.Generation
	}
	peer.Told++
	p.Peer = peer
	p.E2EE = p.E2EE || jsep.GetE2Ee()
	first := len(p.Streams) == 0
	p.Streams = merged(p.Streams, accepted.GetStreams(), jsep.GetSvc())
	p.keepForwards()
	if first {
		d.resumeRemotizations(p)
	}
	return &busv1.Jsep{Type: "answer", Sdp: accepted.GetSdp(), E2Ee: p.E2EE}, nil
}

// refused is a node's refusal of an SDP, as the core's error. A peer that the node has not is its loss, not the
// endpoint's: it may hang up and begin again.
func refused(err error) error {
	switch fault.Of(err) {
	case fault.NoSuchPeer:
		return fault.New(fault.WrongState, err)
	}
	return err
}

// publishingPeer is the peer that an offer is for: the one there is, or the handle's next; nil if the turn has ended.
func (d *draft) publishingPeer(p *publisher) *plugin.Peer {
	if p.Peer != nil {
		return clonePeer(p.Peer)
	}
	peer, err := d.newPeer(p.handle, p.Generation, nearest(p.keyed(), d.inUse()), plugin.LoadOf(d.Command.GetMessage().GetJsep().GetSdp()))
	if err != nil {
		d.Failure = err
	}
	return peer
}

// publishing counts who publishes besides p.
func (d *draft) publishing(p *publisher) int {
	n := 0
	for _, other := range d.publishers {
		if other.Peer != nil && other.handle != p.handle {
			n++
		}
	}
	return n
}

// publishRules are what the answer may take.
func (d *draft) publishRules(p *publisher) (*mediav1.PublishRules, *failure) {
	a := d.attributes
	audioCodec, f := d.codec("audiocodec", "Audio", a.AudioCodecs, p.AudioCodec)
	if f != nil {
		return nil, f
	}
	videoCodec, f := d.codec("videocodec", "Video", a.VideoCodecs, p.VideoCodec)
	if f != nil {
		return nil, f
	}
	p.AudioCodec, p.VideoCodec = audioCodec, videoCodec
	rules := &mediav1.PublishRules{
		AudioCodecs: only(audioCodec, a.AudioCodecs), VideoCodecs: only(videoCodec, a.VideoCodecs),
		Vp9Profile: a.VP9Profile, H264Profile: a.H264Profile, OpusFec: a.OpusFEC, OpusDtx: a.OpusDTX, OpusRed: a.OpusRED,
		AudioLevel: a.AudioLevel, VideoOrientation: a.Orientation, PlayoutDelay: a.PlayoutDelay, TransportCc: a.TransportCC,
		BitrateBps: d.capped(p.Bitrate), KeyframeEveryS: a.KeyframeEvery,
		Audience: "room " + d.id.String(), LoudestAudio: a.AudioLoudest,
	}
	if a.AudioLevelEvent {
		rules.Talk = d.talk(p)
	}
	return rules, nil
}

// capped is a publisher's bitrate, within the room's where the room insists on it.
func (d *draft) capped(bitrate uint32) uint32 {
	if most := d.attributes.Bitrate; d.attributes.BitrateCap && most > 0 && (bitrate == 0 || bitrate > most) {
		return most
	}
	return bitrate
}

// codec is the one that the request asks for, of the room's list, or else the one that was asked for before. Nodes give it to m= sections
// that are new: the others keep theirs.
func (d *draft) codec(name, kind string, of []string, before string) (string, *failure) {
	wanted, ok := d.body.Text(name)
	if !ok {
		return before, nil
	}
	if !slices.Contains(of, strings.ToLower(wanted)) {
		return "", fail(errInvalid, "%s codec unavailable in this room", kind)
	}
	return strings.ToLower(wanted), nil
}

// only is one codec, or all if none is asked for.
func only(codec string, all []string) []string {
	if codec == "" {
		return all
	}
	return []string{codec}
}

func (d *draft) talk(p *publisher) *mediav1.Talk {
	t := &mediav1.Talk{Packets: d.attributes.AudioActivePackets, Level: d.attributes.AudioLevelAverage}
	if p.AudioActivePackets != nil {
		t.Packets = *p.AudioActivePackets
	}
	if p.AudioLevelAverage != nil {
		t.Level = *p.AudioLevelAverage
	}
	return t
}

// merged is what a publisher publishes now, with what was set for the same mids before.
func merged(before []stream, now []*mediav1.PublishedStream, svc []*busv1.Jsep_Svc) []stream {
	streams := make([]stream, len(now))
	for i, s := range now {
		next := stream{
			Mid: s.GetMid(), Codec: s.GetCodec(), Disabled: s.GetDisabled(),
			Stereo: s.GetOpusStereo(), FEC: s.GetOpusFec(), DTX: s.GetOpusDtx(),
			H264Profile: s.GetH264Profile(), VP9Profile: s.GetVp9Profile(),
			Simulcast: s.GetSimulcast(),
			LevelID:   s.GetAudioLevelId(), OrientID: s.GetVideoOrientationId(), DelayID: s.GetPlayoutDelayId(),
		}
		switch s.GetKind() {
		case mediav1.Kind_KIND_AUDIO:
			next.Type = audio
		case mediav1.Kind_KIND_VIDEO:
			next.Type = video
		default:
			next.Type = data
		}
		// One that is not announced shows in its packets (layer).
		announced := func(v *busv1.Jsep_Svc) bool { return v.GetMid() == next.Mid }
		if next.Type == video && !next.Simulcast && slices.ContainsFunc(svc, announced) {
			next.SVC = true
		}
		for _, old := range before {
			if old.Mid == next.Mid {
				next.Description, next.Paused, next.Muted = old.Description, old.Paused, old.Muted
				next.MinDelay, next.MaxDelay, next.Talking, next.Level = old.MinDelay, old.MaxDelay, old.Talking, old.Level
				next.SVC = next.SVC || old.SVC && old.Codec == next.Codec && !next.Simulcast
			}
		}
		streams[i] = next
	}
	return streams
}
