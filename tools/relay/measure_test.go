package main

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/report"
)

// TestSeats: the first node has room for all publishers, and no ease for anybody else.
func TestSeats(t *testing.T) {
	for _, s := range scenarios {
		publishers := s.rooms * s.publishers
		of := float64(seats(publishers))
		if float64(publishers)/of > 0.8 || float64(publishers+1)/of <= 0.8 {
			t.Errorf("%s: %d publishers, and %.0f seats", s.name, publishers, of)
		}
	}
}

func TestJudge(t *testing.T) {
	run := func(relays, elsewhere float64) []look {
		var all []look
		for i := range 7 {
			d := time.Duration(i)
			all = append(all, look{time.Unix(int64(i), 0), d * 100 * time.Millisecond, d * 50 * time.Millisecond, elsewhere, relays})
		}
		return all
	}
	r := &report.Report{Subscribers: 6, PacketsPerSec: 10_000, Latency: report.Times{P50: 1, P99: 2}, DeliveredShare: 1}
	m, err := judge(run(3, 6), 3, true, r)
	if err != nil || m.micros < 14.99 || m.micros > 15.01 || m.first < 9.99 || m.first > 10.01 {
		t.Errorf("%v, %v", m, err)
	}
	for name, of := range map[string]struct {
		steady []look
		far    bool
	}{
		"subscribers at the first":           {run(3, 5), true},
		"a feed that was not had":            {run(2, 6), true},
		"subscribers at the second":          {run(0, 1), false},
		"media that flowed for a short time": {run(3, 6)[:4], true},
	} {
		if m, err := judge(of.steady, 3, of.far, r); err == nil {
			t.Errorf("%s: %v", name, m)
		}
	}
}

func TestMiddle(t *testing.T) {
	if m := middle([]measured{{micros: 9}, {micros: 1}, {micros: 4}}); m.micros != 4 {
		t.Errorf("%v", m)
	}
	if m := middle([]measured{{micros: 9}, {micros: 1}}); m.micros != 5 {
		t.Errorf("%v", m)
	}
}
