package rpc

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

func (s *Server) AcceptRemote(ctx context.Context, r *mediav1.AcceptRemoteRequest) (*mediav1.AcceptRemoteResponse, error) {
	request, err := remoteRequest(r)
	if err != nil {
		return nil, s.refuse(ctx, "AcceptRemote", r.GetPeer(), err)
	}
	answer, err := s.node.AcceptRemote(ctx, request)
	if err != nil {
		return nil, s.refuse(ctx, "AcceptRemote", r.GetPeer(), err)
	}
	response := &mediav1.AcceptRemoteResponse{Port: uint32(answer.RTP), RtcpPort: uint32(answer.RTCP)}
	if answer.Address.IsValid() {
		response.Address = answer.Address.String()
	}
	return response, nil
}

func (s *Server) PublishRemotely(ctx context.Context, r *mediav1.PublishRemotelyRequest) (*mediav1.PublishRemotelyResponse, error) {
	var want []node.Remote
	for _, one := range r.GetServers() {
		if one.GetPort() == 0 || one.GetPort() > 65535 || one.GetRtcpPort() > 65535 {
			return nil, s.refuse(ctx, "PublishRemotely", r.GetPeer(), fault.Newf(fault.BadElement, "Invalid port"))
		}
		want = append(want, node.Remote{
			ID: one.GetId(), Host: one.GetHost(), Family: one.GetFamily(), Port: uint16(one.GetPort()),
			RTCPPort: uint16(one.GetRtcpPort()), Crypto: crypto(one.GetSrtp()),
			Resumes: one.GetResumes(), Keeper: one.GetKeeper(),
		})
	}
	servers, err := s.node.PublishRemotely(ctx, peerID(r.GetPeer()), want)
	if err != nil {
		return nil, s.refuse(ctx, "PublishRemotely", r.GetPeer(), err)
	}
	response := &mediav1.PublishRemotelyResponse{}
	for _, one := range servers {
		response.Addresses = append(response.Addresses, one.Address.String())
		response.Keepers = append(response.Keepers, one.Keeper)
	}
	return response, nil
}

func (s *Server) UnpublishRemotely(ctx context.Context, r *mediav1.UnpublishRemotelyRequest) (*mediav1.UnpublishRemotelyResponse, error) {
	if err := s.node.UnpublishRemotely(ctx, peerID(r.GetPeer()), r.GetId()); err != nil {
		return nil, s.refuse(ctx, "UnpublishRemotely", r.GetPeer(), err)
	}
	return &mediav1.UnpublishRemotelyResponse{}, nil
}

func crypto(s *mediav1.SRTP) rtpforward.Crypto {
	return rtpforward.Crypto{Suite: s.GetSuite(), Key: s.GetKey()}
}

func remoteRequest(r *mediav1.AcceptRemoteRequest) (node.RemoteRequest, error) {
	if r.GetPort() > 65535 {
		return node.RemoteRequest{}, fault.Newf(fault.BadElement, "Invalid port")
	}
	rules := r.GetRules()
	request := node.RemoteRequest{
		Command: command(r.GetPeer(), r.GetCommandId()), Feed: node.FeedID(r.GetFeed()), Port: uint16(r.GetPort()),
		Interface: r.GetInterface(),
		Terms: node.Terms{
			KeyframeEvery: rules.GetKeyframeEveryS(), Talk: talk(rules.GetTalk()),
			Audience: rules.GetAudience(), Loudest: rules.GetLoudestAudio(),
		},
		Recording: recordingOf(r.GetRecording()),
	}
	if r.GetSrtp() != nil {
		c := crypto(r.GetSrtp())
		request.Crypto = &c
	}
	for _, s := range r.GetStreams() {
		request.Streams = append(request.Streams, remoteStream(s))
	}
	return request, nil
}

func remoteStream(s *mediav1.PublishedStream) sdp.RemoteStream {
	layers := 1
	if s.GetSimulcast() {
		layers = forward.MaxLayers
	}
	id := func(n uint32) uint8 {
		if n > 255 {
			return 0 // none that a packet can have
		}
		return uint8(n)
	}
	return sdp.RemoteStream{
		MID: s.GetMid(), Kind: kind(s.GetKind()), Codec: s.GetCodec(), Disabled: s.GetDisabled(),
		Stereo: s.GetOpusStereo(), FEC: s.GetOpusFec(), DTX: s.GetOpusDtx(),
		VP9Profile: s.GetVp9Profile(), H264Profile: s.GetH264Profile(), SSRCs: make([]uint32, layers),
		AudioLevel: id(s.GetAudioLevelId()), VideoOrientation: id(s.GetVideoOrientationId()), PlayoutDelay: id(s.GetPlayoutDelayId()),
	}
}
