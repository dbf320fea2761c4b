package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/machine"
)

var columns = []string{"fault", "gap before", "sound", "pictures", "Chromium", "request", "claim", "whole", "drain", "events lost/doubled", "hangups", "offers", "calls lost", "index twice", "load", "lag", "verdict"}

func (o *outcome) cells() []string {
	s := &o.Seen
	drain := ""
	if o.Drain > 0 {
		drain = short(o.Drain)
	}
	claim := ""
	if s.Claims > 0 {
		claim = short(s.Claim)
	}
	return []string{o.Fault, short(max(o.Before.Sound, o.Before.Pictures)), short(s.Sound), short(s.Pictures), short(max(o.Browser.Sound, o.Browser.Pictures)), short(s.Request), claim, short(o.Whole), drain, fmt.Sprintf("%d/%d", s.EventsLost, s.EventsTwice),
		fmt.Sprint(s.Hangups), fmt.Sprint(s.Descriptions), fmt.Sprint(s.CallsLost), fmt.Sprint(s.Reused), o.Load, short(o.Lag), o.verdict()}
}

func (o *outcome) verdict() string {
	election := ""
	if o.Election > electionTime {
		election = "; Sentinels took " + short(o.Election)
	}
	if len(o.Broken) == 0 {
		return "kept" + election
	}
	return "BROKEN: " + strings.Join(o.Broken, "; ") + election
}

// String is a line of progress.
func (o *outcome) String() string {
	s := &o.Seen
	return fmt.Sprintf("  gap before %s, then of sound %s, of pictures %s (%s); request %s; whole after %s; events %d lost, %d doubled; %d requests refused; %s",
		short(max(o.Before.Sound, o.Before.Pictures)), short(s.Sound), short(s.Pictures), o.worst(), short(s.Request), short(o.Whole), s.EventsLost, s.EventsTwice, s.Refused, o.verdict())
}

// worst is who saw the longest gap.
func (o *outcome) worst() (name string) {
	var most time.Duration
	for n, s := range o.Each {
		if gap := max(s.Sound, s.Pictures); gap > most {
			name, most = n, gap
		}
	}
	return name
}

// show writes the table and the figures, and fails if a limit is broken.
func (r *run) show() error {
	where := machine.This("janus").String()
	var md strings.Builder
	fmt.Fprintf(&md, "seed %d; %s\n\n| %s |\n|%s\n", r.cfg.Seed, where, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, o := range r.outcomes {
		fmt.Fprintf(&md, "| %s |\n", strings.Join(o.cells(), " | "))
	}
	if err := os.WriteFile(filepath.Join(r.cfg.Out, "chaos.md"), []byte(md.String()), 0o644); err != nil {
		return err
	}
	figures := struct {
		Seed     uint64     `json:"seed"`
		Machine  string     `json:"machine"`
		Outcomes []*outcome `json:"outcomes"`
	}{r.cfg.Seed, where, r.outcomes}
	if err := os.WriteFile(filepath.Join(r.cfg.Out, "chaos.json"), marshal(figures), 0o644); err != nil {
		return err
	}
	fmt.Printf("\nseed %d; %s\n\n", r.cfg.Seed, where)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(columns, "\t"))
	broken := 0
	for _, o := range r.outcomes {
		fmt.Fprintln(w, strings.Join(o.cells(), "\t"))
		if len(o.Broken) > 0 {
			broken++
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if broken > 0 {
		return fmt.Errorf("%w in %d of %d rows; see %s", errBroken, broken, len(r.outcomes), filepath.Join(r.cfg.Out, "logs"))
	}
	return nil
}
