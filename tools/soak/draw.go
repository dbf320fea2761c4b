package main

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

const (
	width, height = 900.0, 180.0 // of a panel
	margin        = 60.0
)

var colours = []string{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f"}

// draw plots all series, a panel for each thing that is measured.
func draw(all []sample) []byte {
	var whats []string
	for _, k := range sorted(all[0]) {
		if !slices.Contains(whats, k.what) {
			whats = append(whats, k.what)
		}
	}
	var w strings.Builder
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="sans-serif" font-size="11">`+"\n",
		width+margin+180, float64(len(whats))*(height+40)+20)
	w.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	for i, what := range whats {
		panel(&w, all, what, 25+float64(i)*(height+40))
	}
	w.WriteString("</svg>\n")
	return []byte(w.String())
}

func panel(w *strings.Builder, all []sample, what string, top float64) {
	var of []string
	most := 1.0
	for _, k := range sorted(all[0]) {
		if k.what != what {
			continue
		}
		of = append(of, k.of)
		for _, s := range all {
			most = max(most, s.values[k])
		}
	}
	first := all[0].at
	seconds := max(all[len(all)-1].at.Sub(first).Seconds(), 1)
	fmt.Fprintf(w, `<text x="%.0f" y="%.0f" font-weight="bold">%s</text>`+"\n", margin, top-6, html.EscapeString(what))
	fmt.Fprintf(w, `<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" fill="none" stroke="#ccc"/>`+"\n", margin, top, width, height)
	fmt.Fprintf(w, `<text x="4" y="%.0f">%s</text><text x="4" y="%.0f">0</text><text x="%.0f" y="%.0f">%.0f s</text>`+"\n",
		top+10, show(key{what: what}, most), top+height, margin+width-40, top+height+13, seconds)
	for i, name := range of {
		var points []string
		for _, s := range all {
			if v, ok := s.values[key{name, what}]; ok {
				points = append(points, fmt.Sprintf("%.1f,%.1f", margin+s.at.Sub(first).Seconds()/seconds*width, top+height-v/most*height))
			}
		}
		colour := colours[i%len(colours)]
		fmt.Fprintf(w, `<polyline fill="none" stroke="%s" points="%s"/>`+"\n", colour, strings.Join(points, " "))
		fmt.Fprintf(w, `<text x="%.0f" y="%.0f" fill="%s">%s</text>`+"\n", margin+width+8, top+12+float64(i)*14, colour, html.EscapeString(name))
	}
}
