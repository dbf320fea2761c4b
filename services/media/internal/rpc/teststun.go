package rpc

import (
	"context"
	"errors"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/stunclient"
)

// TestSTUN is of mediav1.MediaServer.
func (s *Server) TestSTUN(ctx context.Context, r *mediav1.TestSTUNRequest) (*mediav1.TestSTUNResponse, error) {
	began := time.Now()
	mapped, err := stunclient.Mapped(ctx, r.GetAddress(), uint16(r.GetPort()), uint16(r.GetLocalPort()))
	if err != nil {
		s.log.Info("STUN test failed", "err", err)
		words := "STUN request failed"
		if errors.Is(err, stunclient.ErrAddress) {
			words = "Could not resolve address"
		}
		return nil, fault.ToStatus(fault.Newf(fault.BadRequest, "%s", words))
	}
	return &mediav1.TestSTUNResponse{
		PublicIp: mapped.Addr().String(), PublicPort: uint32(mapped.Port()), ElapsedUs: uint64(time.Since(began).Microseconds()),
	}, nil
}
