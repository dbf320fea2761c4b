package admin

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// testSTUN has nodes ask a STUN server for their address, and tells what the first was answered.
func (s *Service) testSTUN(ctx context.Context, r *request) (members, error) {
	var p struct {
		Address   string `json:"address"`
		Port      uint64 `json:"port"`
		LocalPort uint64 `json:"localport"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	if p.Port > 65535 || p.LocalPort > 65535 {
		return nil, fault.Newf(fault.BadRequest, "STUN request failed")
	}
	got, err := s.Nodes.Ask(ctx, &mediav1.TestSTUNRequest{Address: p.Address, Port: uint32(p.Port), LocalPort: uint32(p.LocalPort)})
	found, ok := got.(*mediav1.TestSTUNResponse)
	if err != nil || !ok {
		if fault.Of(err) == fault.BadRequest {
			return nil, err
		}
		return nil, fault.Newf(fault.BadRequest, "STUN request failed")
	}
	return members{"public_ip": found.GetPublicIp(), "public_port": found.GetPublicPort(), "elapsed": found.GetElapsedUs()}, nil
}
