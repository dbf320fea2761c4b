package rpc

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
)

func (s *Server) Forward(ctx context.Context, r *mediav1.ForwardRequest) (*mediav1.ForwardResponse, error) {
	want, err := forwarders(r.GetForwarders())
	if err != nil {
		return nil, s.refuse(ctx, "Forward", r.GetPeer(), err)
	}
	done, err := s.node.Forward(ctx, peerID(r.GetPeer()), want)
	if err != nil {
		return nil, s.refuse(ctx, "Forward", r.GetPeer(), err)
	}
	response := &mediav1.ForwardResponse{}
	for _, f := range done {
		response.Forwarders = append(response.Forwarders, &mediav1.ForwardResponse_Forwarded{
			Id: f.ID, Address: f.Address.String(), LocalRtcpPort: uint32(f.LocalRTCP),
		})
	}
	return response, nil
}

func (s *Server) StopForward(ctx context.Context, r *mediav1.StopForwardRequest) (*mediav1.StopForwardResponse, error) {
	if err := s.node.StopForward(ctx, peerID(r.GetPeer()), r.GetId()); err != nil {
		return nil, s.refuse(ctx, "StopForward", r.GetPeer(), err)
	}
	return &mediav1.StopForwardResponse{}, nil
}

func forwarders(list []*mediav1.Forwarder) ([]node.Forwarder, error) {
	var all []node.Forwarder
	for _, f := range list {
		if f.GetPort() == 0 || f.GetPort() > 65535 || f.GetRtcpPort() > 65535 || f.GetPayloadType() > 127 || f.GetLayer() > 2 {
			return nil, fault.Newf(fault.BadElement, "Invalid forwarder")
		}
		all = append(all, node.Forwarder{
			ID: f.GetId(), MID: f.GetMid(), Host: f.GetHost(), Family: f.GetFamily(),
			Port: uint16(f.GetPort()), RTCPPort: uint16(f.GetRtcpPort()), SSRC: f.GetSsrc(), PayloadType: uint8(f.GetPayloadType()),
			Simulcast: f.GetSimulcast(), Layer: int(f.GetLayer()), Keyframe: f.GetKeyframe(),
			Crypto: rtpforward.Crypto{Suite: f.GetSrtpSuite(), Key: f.GetSrtpKey()},
		})
	}
	return all, nil
}
