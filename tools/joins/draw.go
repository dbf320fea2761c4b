package main

import (
	"fmt"

	"github.com/cardea-rtc/cardea/tools/internal/plot"
)

// draw plots what a join costs in rooms in which everybody is told, by their size.
func draw(cfg config, found map[string][]*outcome, parts []string) []byte {
	line := func(name string, of []*outcome, ms func(joinOutcome) float64) plot.Line {
		l := plot.Line{Name: name}
		for i, c := range crowds(cfg) {
			if c.tellsJoining {
				l.Points = append(l.Points, plot.Point{At: float64(c.each), Value: median(of, func(o *outcome) float64 { return ms(o.joins[i]) })})
			}
		}
		return l
	}
	total := func(j joinOutcome) float64 { return j.cpuMs }
	lines := []plot.Line{line("Janus", found["Janus"], total), line("Cardea", found["Cardea"], total)}
	for p, name := range parts {
		lines = append(lines, line("– its "+name, found["Cardea"], func(j joinOutcome) float64 { return j.parts[p] }))
	}
	return plot.SVG([]plot.Panel{{
		Title: "CPU ms a join, everybody told", Show: func(v float64) string { return fmt.Sprintf("%.1f ms", v) }, Lines: lines,
	}}, "in a room")
}
