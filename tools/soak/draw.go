package main

import (
	"slices"

	"github.com/cardea-rtc/cardea/tools/internal/plot"
)

// draw plots all series, a panel for each thing that is measured.
func draw(all []sample) []byte {
	var panels []plot.Panel
	for _, k := range sorted(all[0]) {
		i := slices.IndexFunc(panels, func(p plot.Panel) bool { return p.Title == k.what })
		if i < 0 {
			i = len(panels)
			panels = append(panels, plot.Panel{Title: k.what, Show: func(v float64) string { return show(k, v) }})
		}
		line := plot.Line{Name: k.of}
		for _, s := range all {
			if v, ok := s.values[k]; ok {
				line.Points = append(line.Points, plot.Point{At: s.at.Sub(all[0].at).Seconds(), Value: v})
			}
		}
		panels[i].Lines = append(panels[i].Lines, line)
	}
	return plot.SVG(panels, "s")
}
