// Package plot draws what was measured over time, or over some size, as SVG, a panel for each thing, a line for each of whom it was measured.
package plot

import (
	"fmt"
	"html"
	"strings"
)

// Panel is one thing that was measured.
type Panel struct {
	Title string
	Show  func(v float64) string // a value, for people
	Lines []Line
}

// Line is of one of whom it was measured.
type Line struct {
	Name   string
	Points []Point
}

// Point is one measurement.
type Point struct{ At, Value float64 }

const (
	width, height = 900.0, 180.0 // of a panel
	margin        = 60.0
)

var colours = []string{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f"}

// SVG draws all panels below each other, over the same range, of which unit is said at its end.
func SVG(panels []Panel, unit string) []byte {
	end := 1.0
	for _, p := range panels {
		for _, l := range p.Lines {
			for _, at := range l.Points {
				end = max(end, at.At)
			}
		}
	}
	var w strings.Builder
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="sans-serif" font-size="11">`+"\n",
		width+margin+180, float64(len(panels))*(height+40)+20)
	w.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	for i, p := range panels {
		p.draw(&w, 25+float64(i)*(height+40), end, unit)
	}
	w.WriteString("</svg>\n")
	return []byte(w.String())
}

func (p *Panel) draw(w *strings.Builder, top, end float64, unit string) {
	most := 1.0
	for _, l := range p.Lines {
		for _, at := range l.Points {
			most = max(most, at.Value)
		}
	}
	fmt.Fprintf(w, `<text x="%.0f" y="%.0f" font-weight="bold">%s</text>`+"\n", margin, top-6, html.EscapeString(p.Title))
	fmt.Fprintf(w, `<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" fill="none" stroke="#ccc"/>`+"\n", margin, top, width, height)
	fmt.Fprintf(w, `<text x="4" y="%.0f">%s</text><text x="4" y="%.0f">0</text><text x="%.0f" y="%.0f" text-anchor="end">%.0f %s</text>`+"\n",
		top+10, html.EscapeString(p.Show(most)), top+height, margin+width, top+height+13, end, html.EscapeString(unit))
	for i, l := range p.Lines {
		var points []string
		for _, at := range l.Points {
			points = append(points, fmt.Sprintf("%.1f,%.1f", margin+at.At/end*width, top+height-at.Value/most*height))
		}
		colour := colours[i%len(colours)]
		fmt.Fprintf(w, `<polyline fill="none" stroke="%s" points="%s"/>`+"\n", colour, strings.Join(points, " "))
		fmt.Fprintf(w, `<text x="%.0f" y="%.0f" fill="%s">%s</text>`+"\n", margin+width+8, top+12+float64(i)*14, colour, html.EscapeString(l.Name))
	}
}
