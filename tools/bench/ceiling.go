package main

import (
	"context"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/report"
)

const (
	ceilingTime   = 8 * time.Second // measured in each step
	maxSteps      = 8               // for each server
	ceilingFactor = 1.15            // between two steps
	firstStep     = 150             // subscribers, if nothing is known yet

	minDelivered  = 0.999
	maxCeilingP99 = 20. // ms
)

// step is one try at a number of subscribers.
type step struct {
	Subscribers int            `json:"subscribers"`
	Report      *report.Report `json:"report"`
}

// served tells whether all was delivered in time.
func (s *step) served() bool {
	r := s.Report
	return r.Failed+r.Dropped == 0 && r.DeliveredShare >= minDelivered && r.Latency.P99 < maxCeilingP99
}

// ceilings finds for each server how many subscribers of one publisher its core serves.
func (b *bench) ceilings(ctx context.Context) error {
	for which := range servers {
		if err := b.ceiling(ctx, which); err != nil {
			return err
		}
	}
	return nil
}

// ceiling begins where the server's use of CPU lets expect the limit, and goes up until it does not serve any more, or
// down until it does.
func (b *bench) ceiling(ctx context.Context, which int) error {
	n, up := b.expectedCeiling(which), false
	for i := range maxSteps {
		s := scenario{Rooms: 1, Publishers: 1, Subscribers: n, Audio: true, Video: true}
		r, err := b.measure(ctx, which, s, ceilingTime)
		if err != nil {
			return err
		}
		at := &step{n, r}
		b.outcome.Ceiling[which] = append(b.outcome.Ceiling[which], at)
		verdict := "too many"
		if at.served() {
			verdict = "served"
		}
		b.say("ceiling, %s, %d subscribers: %s: %s", serverNames[which], n, verdict, brief(r))
		switch {
		case at.served() && i > 0 && !up, !at.served() && up:
			return nil
		case at.served():
			up = true
			n = int(float64(n) * ceilingFactor)
		default:
			n = int(float64(n) / ceilingFactor)
		}
	}
	return nil
}

// expectedCeiling follows from the CPU of what was measured with one publisher.
func (b *bench) expectedCeiling(which int) int {
	n := firstStep
	for _, s := range b.outcome.Scenarios {
		if s.Rooms*s.Publishers == 1 && s.Video && len(s.Rounds) > 0 {
			r := s.Rounds[0][which]
			n = max(int(float64(s.Subscribers)*80/max(r.Processes[0].CPUPercent, 1)), 20)
		}
	}
	return n
}

// highest returns the most subscribers that were served, and whether the load gave out before the server did.
func highest(steps []*step) (n int, loadGaveOut bool) {
	for _, s := range steps {
		if s.served() {
			n = max(n, s.Subscribers)
		}
	}
	for _, s := range steps {
		if s.Subscribers > n && loadIsLate(s.Report) {
			loadGaveOut = true
		}
	}
	// Nothing above it was tried.
	if len(steps) > 0 && n == maxTried(steps) {
		loadGaveOut = true
	}
	return n, loadGaveOut
}

func maxTried(steps []*step) (n int) {
	for _, s := range steps {
		n = max(n, s.Subscribers)
	}
	return n
}
