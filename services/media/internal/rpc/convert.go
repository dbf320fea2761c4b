package rpc

import (
	"time"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

func peerID(id *mediav1.PeerID) node.PeerID {
	return node.PeerID{
		Handle:     node.Handle{Session: id.GetSessionId(), ID: id.GetHandleId()},
		Generation: id.GetGeneration(),
	}
}

func command(id *mediav1.PeerID, commandID string) node.Command {
	return node.Command{Peer: peerID(id), ID: commandID}
}

func offerRequest(r *mediav1.AcceptOfferRequest) node.OfferRequest {
	rules := r.GetRules()
	return node.OfferRequest{
		Command: node.Command{Peer: peerID(r.GetPeer()), ID: r.GetCommandId(), OpaqueID: r.GetOpaqueId()}, SDP: r.GetSdp(),
		Feed: node.FeedID(r.GetFeed()), SessionName: r.GetSessionName(),
		Rules: sdp.Rules{
			AudioCodecs: rules.GetAudioCodecs(), VideoCodecs: rules.GetVideoCodecs(),
			VP9Profile: rules.GetVp9Profile(), H264Profile: rules.GetH264Profile(),
			OpusFEC: rules.GetOpusFec(), OpusDTX: rules.GetOpusDtx(), OpusRED: rules.GetOpusRed(),
			AudioLevel: rules.GetAudioLevel(), VideoOrientation: rules.GetVideoOrientation(),
			PlayoutDelay: rules.GetPlayoutDelay(), TransportCC: rules.GetTransportCc(),
		},
		Bitrate: uint64(rules.GetBitrateBps()), KeyframeEvery: rules.GetKeyframeEveryS(), Talk: talk(rules.GetTalk()),
		Audience: rules.GetAudience(), Loudest: rules.GetLoudestAudio(),
		Echo: echo(r.GetEcho()), LowestRIDFirst: r.GetLowestRidFirst(), E2EE: r.GetE2Ee(),
		Recording: recordingOf(r.GetRecording()),
	}
}

func talk(t *mediav1.Talk) forward.Talk {
	return forward.Talk{Packets: int(t.GetPackets()), Level: uint8(min(t.GetLevel(), 255))}
}

func echo(e *mediav1.Echo) *node.Echo {
	if e == nil {
		return nil
	}
	return &node.Echo{
		Audio: e.GetAudio(), Video: e.GetVideo(), Targets: targets(e.GetLayers()), TextPrefix: e.GetTextPrefix(),
		MinDelay: e.MinDelay, MaxDelay: e.MaxDelay,
	}
}

func recordingOf(r *mediav1.Recording) *node.Recording {
	if r == nil {
		return nil
	}
	return &node.Recording{
		Otherwise: r.GetOtherwise(),
		Base:      r.GetBase(), Stamped: r.GetStamped(), Unnumbered: r.GetUnnumbered(), Take: r.GetTake(), Descriptions: r.GetDescriptions(),
	}
}

// targets of a slot that names none are the best there is.
func targets(l *mediav1.Layers) forward.Targets {
	if l == nil {
		return forward.BestLayers
	}
	return forward.Targets{
		Substream: layer(l.GetSubstream()), Temporal: layer(l.GetTemporal()),
		SpatialLayer: layer(l.GetSpatialLayer()), TemporalLayer: layer(l.GetTemporalLayer()),
		Fallback: time.Duration(l.GetFallbackUs()) * time.Microsecond,
	}
}

func layer(v uint32) int { return int(min(v, 2)) }

func kind(k mediav1.Kind) sdp.Kind {
	switch k {
	case mediav1.Kind_KIND_AUDIO:
		return sdp.Audio
	case mediav1.Kind_KIND_VIDEO:
		return sdp.Video
	case mediav1.Kind_KIND_DATA:
		return sdp.Data
	}
	return 0
}

func protoKind(k sdp.Kind) mediav1.Kind {
	switch k {
	case sdp.Audio:
		return mediav1.Kind_KIND_AUDIO
	case sdp.Video:
		return mediav1.Kind_KIND_VIDEO
	case sdp.Data:
		return mediav1.Kind_KIND_DATA
	}
	return mediav1.Kind_KIND_UNSPECIFIED
}

func offerAnswer(a *node.OfferAnswer) *mediav1.AcceptOfferResponse {
	r := &mediav1.AcceptOfferResponse{Sdp: a.SDP}
	r.Streams = publishedStreams(a.Streams)
	return r
}

func publishedStreams(all []node.Published) []*mediav1.PublishedStream {
	streams := make([]*mediav1.PublishedStream, len(all))
	for i := range all {
		streams[i] = publishedStream(&all[i])
	}
	return streams
}

func publishedStream(p *node.Published) *mediav1.PublishedStream {
	s := &mediav1.PublishedStream{
		Mid: p.MID, Kind: protoKind(p.Kind), Codec: p.Format.Codec, Disabled: p.Disabled(), Simulcast: p.Simulcast, Svc: p.SVC,
		AudioLevelId: uint32(p.IDs.AudioLevel), VideoOrientationId: uint32(p.IDs.VideoOrientation), PlayoutDelayId: uint32(p.IDs.PlayoutDelay),
	}
	switch p.Format.Codec {
	case "opus":
		s.OpusStereo, s.OpusFec, s.OpusDtx = p.Parameter("stereo") == "1", p.Parameter("useinbandfec") == "1", p.Parameter("usedtx") == "1"
	case "vp9":
		s.Vp9Profile = p.Parameter("profile-id")
	case "h264":
		s.H264Profile = p.Parameter("profile-level-id")
	}
	return s
}

func subscribeRequest(r *mediav1.MakeOfferRequest) node.SubscribeRequest {
	slots := slotRequests(r.GetSlots())
	for i := range slots {
		slots[i].SDP.Both = r.GetTexts() && slots[i].SDP.Kind == sdp.Data
	}
	return node.SubscribeRequest{
		Command: node.Command{Peer: peerID(r.GetPeer()), ID: r.GetCommandId(), OpaqueID: r.GetOpaqueId()}, SessionName: r.GetSessionName(),
		Slots: slots, ICERestart: r.GetIceRestart(), Texts: r.GetTexts(),
	}
}

func slotRequests(slots []*mediav1.Slot) []node.SlotRequest {
	all := make([]node.SlotRequest, len(slots))
	for i, s := range slots {
		all[i] = slotRequest(s)
	}
	return all
}

func slotRequest(s *mediav1.Slot) node.SlotRequest {
	want := node.SlotRequest{
		SDP: sdp.Slot{
			MID: s.GetMid(), Kind: kind(s.GetKind()), Codec: s.GetCodec(), VP9Profile: s.GetVp9Profile(), H264Profile: s.GetH264Profile(),
			Stereo: s.GetOpusStereo(), FEC: s.GetOpusFec(), DTX: s.GetOpusDtx(), RED: s.GetOpusRed(),
			AudioLevel: s.GetAudioLevel(), VideoOrientation: s.GetVideoOrientation(), PlayoutDelay: s.GetPlayoutDelay(),
			Sent: sdp.Sent{MSID: s.GetMsid()},
		},
		Inactive: s.GetInactive(), Send: s.GetSend(), Targets: targets(s.GetLayers()), MinDelay: s.MinDelay, MaxDelay: s.MaxDelay,
	}
	if src := s.GetSource(); src != nil {
		want.Source = &node.Source{Feed: node.FeedID(src.GetFeed()), MID: src.GetMid(), Node: src.GetNode()}
	}
	for _, d := range s.GetDataSources() {
		want.Data = append(want.Data, node.DataSource{Feed: node.FeedID(d.GetFeed()), Label: d.GetLabel(), Node: d.GetNode()})
	}
	return want
}

func publisherUpdate(r *mediav1.UpdatePublisherRequest) node.PublisherUpdate {
	u := node.PublisherUpdate{Peer: peerID(r.GetPeer()), Echo: echo(r.GetEcho()), Recording: recordingOf(r.GetRecording())}
	if r.BitrateBps != nil {
		bps := uint64(r.GetBitrateBps())
		u.Bitrate = &bps
	}
	if r.GetTalk() != nil {
		t := talk(r.GetTalk())
		u.Talk = &t
	}
	for _, s := range r.GetStreams() {
		u.Streams = append(u.Streams, node.StreamUpdate{
			MID: s.GetMid(), Relay: s.Relay, Keyframe: s.GetKeyframe(), MinDelay: s.MinDelay, MaxDelay: s.MaxDelay,
		})
	}
	return u
}
