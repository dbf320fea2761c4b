package main

import (
	"io"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/tools/loadtest/internal/report"
)

func outcome(change func(*report.Report)) *report.Report {
	r := &report.Report{
		Subscribers: 100, JoinFirstPacket: report.Times{P50: 50, P99: 60},
		Processes: []report.Process{{Name: "server", MicrosPerPacket: 10, MiBPerSubscriber: 0.5}},
	}
	change(r)
	return r
}

func TestEachLimitIsLookedAt(t *testing.T) {
	base := outcome(func(r *report.Report) { r.Processes[0].MicrosPerPacket = 20 })
	for _, c := range []struct {
		name   string
		kept   bool
		change func(*report.Report)
	}{
		{"all kept", true, func(*report.Report) {}},
		{"CPU", false, func(r *report.Report) { r.Processes[0].MicrosPerPacket = 12.1 }},
		{"memory", false, func(r *report.Report) { r.Processes[0].MiBPerSubscriber = 0.61 }},
		{"loss", false, func(r *report.Report) { r.Lost = 1 }},
		{"failed joins", false, func(r *report.Report) { r.Failed = 1 }},
		{"dropped endpoints", false, func(r *report.Report) { r.Dropped = 1 }},
		{"a server that ended", false, func(r *report.Report) { r.Processes[0].Gone = true }},
		{"median join", false, func(r *report.Report) { r.JoinFirstPacket.P50 = 76 }},
		{"slowest joins", false, func(r *report.Report) { r.JoinFirstPacket.P99 = 501 }},
		{"late load", false, func(r *report.Report) { r.SendLag.P99 = 21 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			kept, err := compare(&out, base, outcome(c.change))
			if err != nil || kept != c.kept || strings.Count(out.String(), "NO") > 1 || strings.Contains(out.String(), "NO") == kept {
				t.Errorf("kept %v, %v:\n%s", kept, err, out.String())
			}
		})
	}
}

func TestTwoFilesAreWanted(t *testing.T) {
	for _, args := range [][]string{nil, {"a"}, {"missing", "files"}} {
		if run(args, io.Discard) == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
