package main

import (
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/tools/internal/report"
)

// at is a run with a cost, a delay and a lag.
func at(micros, p99, lag float64) *report.Report {
	return &report.Report{
		Subscribers: 100, DeliveredShare: 1, Latency: report.Times{P99: p99}, SendLag: report.Times{P99: lag},
		Processes: []report.Process{{MicrosPerPacket: micros}},
	}
}

func TestLimitsAreOfMediansOverRounds(t *testing.T) {
	pair := func(j, c *report.Report) [servers]*report.Report { return [servers]*report.Report{janus: j, cardea: c} }
	good := pair(at(10, 5, 1), at(2, 4, 1))
	failed := at(2, 4, 1)
	failed.Failed = 1
	overflowed := at(10, 5, 1)
	overflowed.Overflowed = 1
	for name, c := range map[string]struct {
		rounds [][servers]*report.Report
		broken string // part of the one complaint; "" for none
	}{
		"all kept":                   {[][servers]*report.Report{good, good, good}, ""},
		"one bad round of three":     {[][servers]*report.Report{good, pair(at(10, 5, 1), at(9, 4, 1)), good}, ""},
		"two bad rounds of three":    {[][servers]*report.Report{good, pair(at(10, 5, 1), at(9, 4, 1)), pair(at(10, 5, 1), at(9, 4, 1))}, "0.9 of Janus's CPU"},
		"delay":                      {[][servers]*report.Report{pair(at(10, 5, 1), at(2, 6, 1))}, "p99 delay 6 ms, Janus's is 5"},
		"a subscriber without media": {[][servers]*report.Report{pair(at(10, 5, 1), failed)}, "1 subscribers without media"},
		"the load was late":          {[][servers]*report.Report{pair(at(10, 5, 1), at(2, 4, 21))}, "load on cardea was late"},
		"the load lost packets":      {[][servers]*report.Report{pair(overflowed, at(2, 4, 1))}, "load on janus was late"},
	} {
		s := &scenarioRuns{scenario: scenarios[0], Rounds: c.rounds}
		got := s.broken()
		switch {
		case c.broken == "" && len(got) > 0, c.broken != "" && (len(got) != 1 || !strings.Contains(got[0], c.broken)):
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTablesShowRatiosAndFloor(t *testing.T) {
	o := &outcome{
		Scenarios: []*scenarioRuns{{scenario: scenarios[0], Rounds: [][servers]*report.Report{{at(10, 5, 1), at(2, 4, 1)}, {at(10, 5, 1), at(3, 4, 1)}}}},
		Floor:     []*floor{{Sendto: costs{FlatOut: 1, Paced: 1.25}}},
		Ceiling:   [servers][]*step{janus: {{50, at(10, 5, 1)}, {57, at(10, 21, 1)}}, cardea: {{400, at(2, 4, 1)}, {460, at(2, 25, 30)}}},
	}
	text, broken := o.markdown()
	if len(broken) > 0 {
		t.Error(broken)
	}
	for _, want := range []string{"**0.25 (0.2–0.3)**", "| floor: AES-GCM, sendto | | 1.25; without a pause 1 |", "| Janus | **50** |", "| Cardea | **at least 400** |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for name, change := range map[string]func(*config){
		"--scenarios":   func(c *config) { c.Scenarios = []string{"1-1"} },
		"--rounds":      func(c *config) { c.Rounds = 0 },
		"--duration":    func(c *config) { c.Duration = 1 },
		"--server-core": func(c *config) { c.LoadCore = 0 },
	} {
		cfg := &config{Rounds: 1, Duration: 1e9, LoadCore: 1}
		change(cfg)
		if err := cfg.check(); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
