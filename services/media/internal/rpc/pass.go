package rpc

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

// PassOffer and PassAnswer are of mediav1.MediaServer.
func (s *Server) PassOffer(ctx context.Context, r *mediav1.PassOfferRequest) (*mediav1.PassOfferResponse, error) {
	offer, err := s.node.PassOffer(ctx, node.PassedOffer{
		ID: r.GetCommandId(), From: party(r.GetFrom()), To: party(r.GetTo()), SDP: r.GetSdp(),
		LowestRIDFirst: r.GetLowestRidFirst(), E2EE: r.GetE2Ee(),
	})
	if err != nil {
		return nil, s.refuse(ctx, "PassOffer", r.GetFrom().GetPeer(), err)
	}
	return &mediav1.PassOfferResponse{Sdp: offer}, nil
}

// PassAnswer completes it.
func (s *Server) PassAnswer(ctx context.Context, r *mediav1.PassAnswerRequest) (*mediav1.PassAnswerResponse, error) {
	agreed, err := s.node.PassAnswer(ctx, node.PassedAnswer{
		ID: r.GetCommandId(), From: peerID(r.GetFrom()), To: peerID(r.GetTo()), SDP: r.GetSdp(),
		LowestRIDFirst: r.GetLowestRidFirst(), E2EE: r.GetE2Ee(),
	})
	if err != nil {
		return nil, s.refuse(ctx, "PassAnswer", r.GetFrom(), err)
	}
	return &mediav1.PassAnswerResponse{
		Sdp: agreed.SDP, FromStreams: publishedStreams(agreed.From), ToStreams: publishedStreams(agreed.To),
	}, nil
}

func party(p *mediav1.Party) node.Party {
	return node.Party{Peer: peerID(p.GetPeer()), OpaqueID: p.GetOpaqueId(), Feed: node.FeedID(p.GetFeed())}
}
