package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/tools/internal/report"
)

const maxLag = 20. // ms, p99: a load that sends later than that is the bottleneck

// loadIsLate tells whether a run has measured the load generator rather than the server.
func loadIsLate(r *report.Report) bool { return r.SendLag.P99 > maxLag || r.Overflowed > 0 }

// brief is a run in a line.
func brief(r *report.Report) string {
	s := fmt.Sprintf("%.2f µs a packet, %.3f %% delivered, p99 %.1f ms, core %.0f %%, load %.0f %%",
		r.Processes[0].MicrosPerPacket, 100*r.DeliveredShare, r.Latency.P99, r.CorePercent, r.Load.CPUPercent)
	if r.PacketsPerCall > 0 {
		s += fmt.Sprintf(", %.1f packets a send", r.PacketsPerCall)
	}
	if r.Failed+r.Dropped > 0 {
		s += fmt.Sprintf("; %d failed, %d dropped: %s", r.Failed, r.Dropped, r.Problem)
	}
	if loadIsLate(r) {
		s += fmt.Sprintf("; THE LOAD WAS LATE: sent %.1f ms by p99, %d packets lost unread", r.SendLag.P99, r.Overflowed)
	}
	return s
}

// spread is a figure over rounds.
type spread []float64

func (s spread) median() float64 {
	if len(s) == 0 {
		return 0
	}
	s = slices.Sorted(slices.Values(s))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// String is the median and, of several, the least and the greatest.
func (s spread) String() string {
	if len(s) < 2 {
		return figure(s.median())
	}
	return fmt.Sprintf("%s (%s–%s)", figure(s.median()), figure(slices.Min(s)), figure(slices.Max(s)))
}

func figure(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// of returns a figure of each round of a server.
func (s *scenarioRuns) of(which int, f func(*report.Report) float64) (all spread) {
	for _, round := range s.Rounds {
		all = append(all, f(round[which]))
	}
	return all
}

// ratios are Cardea's figure by Janus's, round by round.
func (s *scenarioRuns) ratios(f func(*report.Report) float64) (all spread) {
	for _, round := range s.Rounds {
		if base := f(round[janus]); base > 0 {
			all = append(all, f(round[cardea])/base)
		}
	}
	return all
}

func micros(r *report.Report) float64    { return r.Processes[0].MicrosPerPacket }
func p50(r *report.Report) float64       { return r.Latency.P50 }
func p99(r *report.Report) float64       { return r.Latency.P99 }
func firstP50(r *report.Report) float64  { return r.JoinFirstPacket.P50 }
func firstP99(r *report.Report) float64  { return r.JoinFirstPacket.P99 }
func memory(r *report.Report) float64    { return r.Processes[0].MiBPerSubscriber * 1024 }
func perCall(r *report.Report) float64   { return r.PacketsPerCall }
func delivered(r *report.Report) float64 { return r.DeliveredShare }
func loadCPU(r *report.Report) float64   { return r.Load.CPUPercent }
func rate(r *report.Report) float64      { return r.PacketsPerSec }

// coreMicros is what the server's core did for each packet, whoever it did it for.
func coreMicros(r *report.Report) float64 {
	if r.PacketsPerSec == 0 {
		return 0
	}
	return r.CorePercent / 100 * 1e6 / r.PacketsPerSec
}

// markdown returns the tables, and what limits were not kept.
func (o *outcome) markdown() (text string, broken []string) {
	var w strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&w, format+"\n", args...) }
	line("%s. %d rounds of %.0f s each; median (least–greatest).", o.Machine, o.rounds(), o.Seconds)
	line("")
	o.costs(line)
	if len(o.Scenarios) > 0 {
		line("")
		o.qualities(line)
	}
	if len(o.Ceiling[janus])+len(o.Ceiling[cardea]) > 0 {
		line("")
		o.ceilings(line)
	}
	for _, s := range o.Scenarios {
		broken = append(broken, s.broken()...)
	}
	return w.String(), broken
}

func (o *outcome) rounds() int {
	if len(o.Scenarios) > 0 {
		return len(o.Scenarios[0].Rounds)
	}
	return len(o.Floor)
}

// costs is the table of CPU.
func (o *outcome) costs(line func(string, ...any)) {
	line("| CPU µs a delivered packet | Janus | Cardea | ratio | limit | whole core, Janus / Cardea | packets a send, Cardea | packets/s |")
	line("|---|---|---|---|---|---|---|---|")
	for _, s := range o.Scenarios {
		limit := ""
		if s.maxCPU > 0 {
			limit = figure(s.maxCPU)
		}
		line("| %s | %s | %s | **%s** | %s | %s / %s | %s | %s |", s.about(), s.of(janus, micros), s.of(cardea, micros), s.ratios(micros), limit,
			figure(s.of(janus, coreMicros).median()), figure(s.of(cardea, coreMicros).median()),
			figure(s.of(cardea, perCall).median()), figure(s.of(cardea, rate).median()))
	}
	for _, f := range []struct {
		name string
		of   func(*floor) costs
	}{
		{"floor: AES-GCM alone", func(f *floor) costs { return f.Encryption }},
		{"floor: AES-GCM, sendto", func(f *floor) costs { return f.Sendto }},
		{"floor: AES-GCM, sendmmsg", func(f *floor) costs { return f.Sendmmsg }},
		{"floor: AES-GCM, sendmmsg with UDP_SEGMENT, 6 packets a destination", func(f *floor) costs { return f.Segmented }},
	} {
		var flatOut, paced spread
		for _, round := range o.Floor {
			flatOut, paced = append(flatOut, f.of(round).FlatOut), append(paced, f.of(round).Paced)
		}
		if len(paced) > 0 {
			line("| %s | | %s; without a pause %s | | | | | |", f.name, paced, flatOut)
		}
	}
}

// qualities is the table of what subscribers get.
func (o *outcome) qualities(line func(string, ...any)) {
	line("| Janus / Cardea | delivered %% | delay p50, ms | delay p99, ms | join to first packet p50, ms | p99, ms | KiB a subscriber | load's core %% |")
	line("|---|---|---|---|---|---|---|---|")
	for _, s := range o.Scenarios {
		both := func(f func(*report.Report) float64) string {
			return figure(s.of(janus, f).median()) + " / " + figure(s.of(cardea, f).median())
		}
		line("| %s | %s / %s | %s | %s / %s | %s | %s | %s | %s |", s.about(),
			share(s.of(janus, delivered)), share(s.of(cardea, delivered)), both(p50), s.of(janus, p99), s.of(cardea, p99),
			both(firstP50), both(firstP99), both(memory), both(loadCPU))
	}
}

// share is the worst of the rounds.
func share(s spread) string {
	if len(s) == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", 100*slices.Min(s))
}

// ceilings is the table of how many subscribers a core serves.
func (o *outcome) ceilings(line func(string, ...any)) {
	line("| subscribers of 1.5 Mbit/s that one core serves, %.1f %% delivered, p99 under %.0f ms | | tried |", 100*minDelivered, maxCeilingP99)
	line("|---|---|---|")
	for which, name := range []string{"Janus", "Cardea"} {
		n, loadGaveOut := highest(o.Ceiling[which])
		number := fmt.Sprint(n)
		switch {
		case n == 0 && len(o.Ceiling[which]) > 0:
			number = fmt.Sprintf("fewer than %d", o.Ceiling[which][len(o.Ceiling[which])-1].Subscribers)
		case loadGaveOut:
			number = "at least " + number
		}
		var tried []string
		for _, s := range o.Ceiling[which] {
			tried = append(tried, fmt.Sprintf("%d: %.2f %%, %s ms, core %.0f %%", s.Subscribers, 100*s.Report.DeliveredShare, figure(s.Report.Latency.P99), s.Report.CorePercent))
		}
		line("| %s | **%s** | %s |", name, number, strings.Join(tried, "; "))
	}
}

// broken returns what Cardea promises and has not kept, and what makes figures worthless.
func (s *scenarioRuns) broken() (all []string) {
	say := func(format string, args ...any) { all = append(all, s.about()+": "+fmt.Sprintf(format, args...)) }
	if ratio := s.ratios(micros).median(); s.maxCPU > 0 && ratio > s.maxCPU {
		say("%s of Janus's CPU a packet, at most %s is promised", figure(ratio), figure(s.maxCPU))
	}
	if j, c := s.of(janus, p99).median(), s.of(cardea, p99).median(); c > j {
		say("p99 delay %s ms, Janus's is %s", figure(c), figure(j))
	}
	for i, round := range s.Rounds {
		r := round[cardea]
		if r.Failed+r.Dropped > 0 {
			say("round %d: %d subscribers without media, %d dropped: %s", i+1, r.Failed, r.Dropped, r.Problem)
		}
		for which, name := range serverNames {
			if loadIsLate(round[which]) {
				say("round %d: the load on %s was late, so these figures say little", i+1, name)
			}
		}
	}
	return all
}
