package main

import (
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/client"
)

func TestLimitsAreKeptOrBroken(t *testing.T) {
	for name, c := range map[string]struct {
		limits Limits
		o      outcome
		want   []string
	}{
		"kept":             {nodeGone, outcome{Seen: client.Sight{Sound: 2 * time.Second}}, nil},
		"a gap":            {nodeGone, outcome{Seen: client.Sight{Pictures: 2100 * time.Millisecond}}, []string{"gap of pictures 2.1 s, limit 2.0 s"}},
		"our own lateness": {nodeGone, outcome{Seen: client.Sight{Pictures: 2100 * time.Millisecond}, Lag: 200 * time.Millisecond}, nil},
		"a busy machine":   {nodeGone, outcome{Seen: client.Sight{Sound: 2100 * time.Millisecond}, Before: client.Sight{Sound: 200 * time.Millisecond}}, nil},
		"an index twice":   {nodeGone, outcome{Seen: client.Sight{Reused: 1}}, []string{"1 SRTP indexes used twice"}},
		"refused":          {nodeGone, outcome{Seen: client.Sight{Refused: 2}}, []string{"2 requests refused"}},
		"may be refused":   {storeAway, outcome{Seen: client.Sight{Refused: 2, Request: time.Minute}}, nil},
		"a long election":  {failover, outcome{Seen: client.Sight{Request: 15 * time.Second}, Whole: 8 * time.Second, Election: 11 * time.Second, Lasted: 8 * time.Second}, nil},
		"long after it":    {failover, outcome{Seen: client.Sight{Request: 8 * time.Second}, Whole: 6 * time.Second, Election: 2 * time.Second, Lasted: 8 * time.Second}, []string{"request 8.0 s, limit 7.0 s", "whole after 6.0 s, limit 5.0 s"}},
		"a fenced node":    {nodeStopped, outcome{Ended: 1}, nil},
		"a crash":          {nodeGone, outcome{Ended: 1}, []string{"1 processes ended by themselves"}},
		"left behind":      {nothing, outcome{Left: []string{"peers: 3, were 2"}}, []string{"peers: 3, were 2"}},
	} {
		if got := c.limits.broken(&c.o); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestFaultsAreChosenByPartsOfTheirNames(t *testing.T) {
	got, err := chosen(&config{Only: []string{"kill a media", "drain"}})
	if err != nil || !slices.Equal(names(got), []string{"kill a media node", "drain a media node"}) {
		t.Errorf("%v, %v", names(got), err)
	}
	if _, err := chosen(&config{Only: []string{"plague"}}); err == nil {
		t.Error("there is a plague")
	}
	seen := map[string]bool{}
	for _, f := range allFaults(time.Second) {
		if seen[f.Name] || f.Inject == nil || f.Limits.Source == "" {
			t.Errorf("%q is there twice, does nothing, or has no limits", f.Name)
		}
		seen[f.Name] = true
	}
}
