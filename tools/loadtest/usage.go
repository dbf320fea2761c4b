package main

import (
	"maps"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/procfs"
	"github.com/cardea-rtc/cardea/tools/internal/report"
)

// meter compares what a process uses at three moments of a run.
type meter struct {
	name               string
	pid                int
	before, begin, end procfs.Usage // without subscribers; around what is measured
	gone               bool
}

// newMeters is for processes by name, in the names' order.
func newMeters(processes map[string]int) []*meter {
	var meters []*meter
	for _, name := range slices.Sorted(maps.Keys(processes)) {
		meters = append(meters, &meter{name: name, pid: processes[name]})
	}
	return meters
}

// read looks the process up.
func (m *meter) read(into *procfs.Usage) {
	u, err := procfs.Read(m.pid)
	if err != nil {
		m.gone = true
		return
	}
	*into = u
}

func (m *meter) sum(measured time.Duration, packets uint64, subscribers int) report.Process {
	if m.gone {
		return report.Process{Name: m.name, PID: m.pid, Gone: true}
	}
	const mib = 1 << 20
	cpu := m.end.CPU - m.begin.CPU
	p := report.Process{
		Name: m.name, PID: m.pid, CPUPercent: 100 * cpu.Seconds() / measured.Seconds(),
		RSSBefore: float64(m.before.RSSBytes) / mib, RSSEnd: float64(m.end.RSSBytes) / mib,
	}
	if packets > 0 {
		p.MicrosPerPacket = float64(cpu.Microseconds()) / float64(packets)
	}
	if subscribers > 0 {
		p.MiBPerSubscriber = (p.RSSEnd - p.RSSBefore) / float64(subscribers)
	}
	return p
}
