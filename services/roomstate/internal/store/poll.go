package store

import (
	"context"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

const (
	// pollLease is how long the answer to a long poll may take to be written, until its events are given to another.
	pollLease = 10 * time.Second
	// pollBytes bounds what one poll takes: less than the bus carries. One event may be larger.
	pollBytes = 512 << 10
)

// Poll takes events of a session for a long poll. A repeat takes the same, and what has come since. ErrNoSession if there
// is no such session, or its owner is a socket.
func (s *Store) Poll(ctx context.Context, session uint64, p *busv1.Poll, now time.Time) (*busv1.Taken, error) {
	got, err := s.run(ctx, pollScript, session, ms(now), p.GetId(), flag(p.GetFirst()), bus.PolledSocket,
		max(1, p.GetMost()), pollBytes, pollLease.Milliseconds())
	if err != nil {
		return nil, err
	}
	taken := &busv1.Taken{Delivered: uint64(number(got[0])), Busy: number(got[1]) == 1}
	entries, _ := got[2].([]any)
	for _, entry := range entries {
		event, err := readEntry(text(entry))
		if err != nil {
			return nil, err
		}
		taken.Events = append(taken.Events, event)
	}
	return taken, nil
}

// Given ends a long poll and notes what was given to the endpoint.
func (s *Store) Given(ctx context.Context, session uint64, g *busv1.Given) error {
	_, err := s.run(ctx, givenScript, session, g.GetId(), g.GetUpTo())
	return err
}
