package session

import (
	"context"
	"errors"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// sweepEvery is how often sessions are looked for whose time has come. Janus takes two seconds.
const sweepEvery = time.Second

// Sweep ends sessions whose time has come, until ctx ends. Every replica does so; each session is ended once.
func (s *Service) Sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if err := s.EndDue(ctx, now); err != nil {
				s.Log.Warn("sessions not swept", "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// EndDue ends sessions whose time has come by now.
func (s *Service) EndDue(ctx context.Context, now time.Time) error {
	for more := true; more; {
		var due []uint64
		var err error
		if due, more, err = s.Store.Due(ctx, s.Timeouts, now); err != nil {
			return err
		}
		if err := s.endDue(ctx, due, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) endDue(ctx context.Context, due []uint64, now time.Time) error {
	for _, id := range due {
		ended, err := s.Store.End(ctx, store.End{Session: id, IfDue: &s.Timeouts}, now)
		if errors.Is(err, store.ErrNoSession) || err == nil && ended.Last == nil {
			continue
		}
		if err != nil {
			return err
		}
		reason := "timeout"
		if ended.Last.GetEnded() != nil {
			reason = "not claimed"
		}
		s.Log.Info("session ended", "session", id, "reason", reason)
		s.over(ended)
	}
	return nil
}
