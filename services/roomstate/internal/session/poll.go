package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// poll takes what a long poll is to be answered with. Only its first question is a sign of life of the endpoint's.
func (s *Service) poll(ctx context.Context, r *request) (*busv1.Reply, error) {
	taken, err := s.Store.Poll(ctx, r.GetSessionId(), r.GetPoll(), r.now)
	if err != nil {
		return nil, err
	}
	return &busv1.Reply{CommandId: r.GetId(), Outcome: &busv1.Reply_Taken{Taken: taken}}, nil
}

// given ends a long poll.
func (s *Service) given(ctx context.Context, r *request) (*busv1.Reply, error) {
	if err := s.Store.Given(ctx, r.GetSessionId(), r.GetGiven()); err != nil {
		return nil, err
	}
	return done(r.Command), nil
}
