package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Sizes of a drawing, in its units, which are about pixels.
const (
	width, panelHeight       = 860., 150.
	left, right, top, bottom = 64., 16., 34., 26.
)

var colours = map[string]string{"janus": "#c2410c", "cardea": "#1d4ed8"}

// panel is one of the graphs of a drawing, all over the same time.
type panel struct {
	title string
	max   float64
	of    func(s *series) []point
	steps bool // values last until the next
}

type point struct{ x, y float64 }

// draw shows over a script's time what viewers got, of its first round.
func draw(s script, all []*series) []byte {
	var shown []*series
	for _, name := range serverNames {
		for _, x := range all {
			if x.Server == name && x.Script == s.Name {
				shown = append(shown, x)
				break
			}
		}
	}
	panels := []panel{
		{title: "height of the picture: the layer", max: 760, of: heights, steps: true},
		{title: "frames a second", max: 40, of: rates(func(x sample) float64 { return float64(x.Frames) })},
		{title: "video received, kbit/s; the grey line is what the link lets through", of: rates(func(x sample) float64 { return float64(x.Bytes) * 8 / 1000 })},
	}
	panels[2].max = 100
	for _, x := range shown {
		for _, p := range panels[2].of(x) {
			panels[2].max = max(panels[2].max, p.y*1.1)
		}
	}
	var w strings.Builder
	height := top + float64(len(panels))*(panelHeight+top+bottom)
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&w, `<rect width="%g" height="%g" fill="white"/>`+"\n", width, height)
	fmt.Fprintf(&w, `<text x="%g" y="20" font-size="15">%s</text>`+"\n", left, html.EscapeString(s.About))
	for i, name := range serverNames {
		fmt.Fprintf(&w, `<text x="%g" y="20" fill="%s" font-size="15">%s</text>`+"\n", width-right-140+float64(i)*80, colours[name], name)
	}
	for i, p := range panels {
		p.draw(&w, s, shown, top+float64(i)*(panelHeight+top+bottom)+top, i == 2)
	}
	w.WriteString("</svg>\n")
	return []byte(w.String())
}

// draw puts a panel whose graph begins at y.
func (p panel) draw(w *strings.Builder, s script, shown []*series, y float64, limits bool) {
	seconds := s.duration().Seconds()
	across := func(t float64) float64 { return left + t/seconds*(width-left-right) }
	up := func(v float64) float64 { return y + panelHeight*(1-min(v/p.max, 1)) }
	fmt.Fprintf(w, `<text x="%g" y="%g">%s</text>`+"\n", left, y-8, p.title)
	fmt.Fprintf(w, `<rect x="%g" y="%g" width="%g" height="%g" fill="none" stroke="#999"/>`+"\n", left, y, width-left-right, panelHeight)
	for _, v := range ticks(p.max) {
		fmt.Fprintf(w, `<text x="%g" y="%.1f" text-anchor="end">%g</text><path d="M%g %.1fH%g" stroke="#ddd"/>`+"\n", left-6, up(v)+4, v, left, up(v), width-right)
	}
	for _, t := range ticks(seconds) {
		fmt.Fprintf(w, `<text x="%.1f" y="%g" text-anchor="middle">%g s</text>`+"\n", across(t), y+panelHeight+16, t)
	}
	var at float64
	for i, phase := range s.Steps {
		end := at + phase.For.Seconds()
		if i > 0 {
			fmt.Fprintf(w, `<path d="M%.1f %gv%g" stroke="#777" stroke-dasharray="4 3"/>`+"\n", across(at), y, panelHeight)
		}
		if rate := float64(phase.Down.RateBps) / 1000; limits && rate > 0 && rate < p.max {
			fmt.Fprintf(w, `<path d="M%.1f %.1fH%.1f" stroke="#777" stroke-width="2"/>`+"\n", across(at), up(rate), across(end))
		}
		at = end
	}
	for _, x := range shown {
		points := p.of(x)
		if len(points) == 0 {
			continue
		}
		var path strings.Builder
		for i, q := range points {
			switch {
			case i == 0:
				fmt.Fprintf(&path, "M%.1f %.1f", across(max(q.x, 0)), up(q.y))
			case p.steps:
				fmt.Fprintf(&path, "H%.1fV%.1f", across(q.x), up(q.y))
			default:
				fmt.Fprintf(&path, "L%.1f %.1f", across(max(q.x, 0)), up(q.y))
			}
		}
		fmt.Fprintf(w, `<path d="%s" fill="none" stroke="%s" stroke-width="1.6"/>`+"\n", path.String(), colours[x.Server])
	}
}

// ticks are up to about five round numbers from 0 to most.
func ticks(most float64) (all []float64) {
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for _, by := range []float64{0.1, 0.2, 0.5, 1} {
		if most/(step*by) <= 6 {
			step *= by
			break
		}
	}
	for v := 0.; v <= most; v += step {
		all = append(all, v)
	}
	return all
}

func heights(s *series) (points []point) {
	for _, x := range s.Samples {
		points = append(points, point{x.At, float64(x.Height)})
	}
	return points
}

// rateWindow is over how much time a rate is taken, in seconds.
const rateWindow = 1.

// rates turns what counts up into what comes a second.
func rates(count func(sample) float64) func(*series) []point {
	return func(s *series) (points []point) {
		from := 0
		for i, x := range s.Samples {
			for x.At-s.Samples[from].At > rateWindow && from < i-1 {
				from++
			}
			if elapsed := x.At - s.Samples[from].At; elapsed > rateWindow/2 {
				points = append(points, point{x.At, (count(x) - count(s.Samples[from])) / elapsed})
			}
		}
		return points
	}
}
