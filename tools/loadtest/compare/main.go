// Command compare shows two outcomes of loadtest side by side, the first as what the second is measured by, and whether
// the second keeps what Cardea promises. If not, it ends with status 1.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/cardea-rtc/cardea/tools/loadtest/internal/report"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: compare BASE.json OTHER.json")
	}
	var reports [2]*report.Report
	for i, name := range args {
		var err error
		if reports[i], err = report.ReadFile(name); err != nil {
			return err
		}
		if len(reports[i].Processes) != 1 {
			return fmt.Errorf("%s: is about %d processes, expected one", name, len(reports[i].Processes))
		}
	}
	kept, err := compare(out, reports[0], reports[1])
	switch {
	case err != nil:
		return fmt.Errorf("print: %w", err)
	case late(reports[0], reports[1]):
		return errors.New("the load generator sent late: the machine is too busy or too slow, and the figures say little")
	case !kept:
		return errors.New("not all limits were kept")
	}
	return nil
}

// late tells whether either run measured the load generator rather than the server.
func late(base, other *report.Report) bool {
	return max(base.SendLag.P99, other.SendLag.P99) > maxSendLag
}

// What Cardea promises.
const (
	maxCPURatio         = 0.6  // of CPU time for each packet that is delivered
	maxMiBPerSubscriber = 0.6  // of memory for one more subscriber
	maxJoinRatio        = 1.5  // of the median time from join to the first packet
	maxJoinP99          = 500. // ms
	maxSendLag          = 20.  // ms, p99, of both
)

// row is one figure of both servers.
type row struct {
	name        string
	base, other float64
	limit       string // in words; "" if there is none
	kept        bool
}

// compare prints the table and reports whether all limits were kept.
func compare(out io.Writer, base, other *report.Report) (kept bool, err error) {
	b, o := base.Processes[0], other.Processes[0]
	rows := []row{
		{"subscribers with media", float64(base.Subscribers), float64(other.Subscribers), "none failed, none dropped",
			other.Failed+other.Dropped == 0 && !o.Gone},
		{"packets a second", base.PacketsPerSec, other.PacketsPerSec, "", true},
		{"CPU %", b.CPUPercent, o.CPUPercent, "", true},
		{"CPU µs a packet", b.MicrosPerPacket, o.MicrosPerPacket, fmt.Sprintf("at most %.1f times", maxCPURatio),
			o.MicrosPerPacket <= maxCPURatio*b.MicrosPerPacket},
		{"packets lost", float64(base.Lost), float64(other.Lost), "none", other.Lost == 0},
		{"one-way latency p50, ms", base.Latency.P50, other.Latency.P50, "", true},
		{"one-way latency p99, ms", base.Latency.P99, other.Latency.P99, "", true},
		{"join to first packet p50, ms", base.JoinFirstPacket.P50, other.JoinFirstPacket.P50,
			fmt.Sprintf("at most %.1f times", maxJoinRatio), other.JoinFirstPacket.P50 <= maxJoinRatio*base.JoinFirstPacket.P50},
		{"join to first packet p99, ms", base.JoinFirstPacket.P99, other.JoinFirstPacket.P99,
			fmt.Sprintf("at most %.0f", maxJoinP99), other.JoinFirstPacket.P99 <= maxJoinP99},
		{"RSS, MiB", b.RSSEnd, o.RSSEnd, "", true},
		{"RSS a subscriber, MiB", b.MiBPerSubscriber, o.MiBPerSubscriber, fmt.Sprintf("at most %.1f", maxMiBPerSubscriber),
			o.MiBPerSubscriber <= maxMiBPerSubscriber},
		{"load generator, CPU %", base.Load.CPUPercent, other.Load.CPUPercent, "", true},
		{"load sent late by p99, ms", base.SendLag.P99, other.SendLag.P99, fmt.Sprintf("at most %.0f", maxSendLag),
			!late(base, other)},
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\t%s\t%s\tratio\tlimit\tkept\n", b.Name, o.Name)
	kept = true
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.name, figure(r.base), figure(r.other), ratio(r), r.limit, verdict(r))
		kept = kept && r.kept
	}
	return kept, w.Flush()
}

func figure(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

func ratio(r row) string {
	if r.base == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", r.other/r.base)
}

func verdict(r row) string {
	switch {
	case r.limit == "":
		return ""
	case r.kept:
		return "yes"
	default:
		return "NO"
	}
}
