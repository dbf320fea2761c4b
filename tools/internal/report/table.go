package report

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Print writes r for people.
func (r *Report) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("server", "%s", r.URL)
	row("load", "%d rooms, %d publishers, %d subscribers, %.1f s", r.Rooms, r.Publishers, r.Subscribers, r.Seconds)
	if r.Failed > 0 || r.Dropped > 0 {
		row("trouble", "%d subscribers without media, %d endpoints dropped; first: %s", r.Failed, r.Dropped, r.Problem)
	}
	row("delivered", "%.4f %% of %d packets, %.0f a second", 100*r.DeliveredShare, r.Expected, r.PacketsPerSec)
	row("lost", "%d; while subscribers joined %d", r.Lost, r.LostBefore)
	if r.Padding > 0 {
		row("padding", "%d packets", r.Padding)
	}
	if r.Foreign > 0 {
		row("foreign", "%d packets of another stream, or not ours", r.Foreign)
	}
	row("one-way latency", "%s", r.Latency)
	row("join to first packet", "%s", r.JoinFirstPacket)
	row("SRTP", "%s; one packet in %.1f was decrypted", r.Profile, 1/max(r.VerifiedShare, 1e-9))
	row("sent late by", "%s", r.SendLag)
	row("read late by", "%s; %d packets found no room to wait", r.ReadLag, r.Overflowed)
	for _, p := range r.Processes {
		if p.Gone {
			row(p.Name, "ended during the run")
			continue
		}
		row(p.Name, "%s; %.2f CPU µs a packet, %.3f MiB a subscriber", p.use(), p.MicrosPerPacket, p.MiBPerSubscriber)
	}
	if r.PacketsPerCall > 0 {
		row("packets a send call", "%.2f", r.PacketsPerCall)
	}
	if r.CorePercent > 0 {
		row("the server's core", "busy for %.1f %%", r.CorePercent)
	}
	row(r.Load.Name, "%s", r.Load.use())
	if r.Interrupted {
		row("interrupted", "before all was measured")
	}
	return w.Flush()
}

func (t Times) String() string {
	return fmt.Sprintf("p50 %.2f ms, p99 %.2f ms, max %.2f ms", t.P50, t.P99, t.Max)
}

func (p Process) use() string {
	return fmt.Sprintf("CPU %.1f %%, RSS %.1f MiB, was %.1f", p.CPUPercent, p.RSSEnd, p.RSSBefore)
}
