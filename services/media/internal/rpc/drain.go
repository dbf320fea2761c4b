package rpc

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// SetDraining is of mediav1.MediaServer.
func (s *Server) SetDraining(_ context.Context, r *mediav1.SetDrainingRequest) (*mediav1.SetDrainingResponse, error) {
	s.node.Drain(r.GetDraining())
	return &mediav1.SetDrainingResponse{}, nil
}
