package main

import (
	"fmt"
	"slices"
	"strings"
)

// table is Markdown: for each script both servers, medians over rounds.
func table(chosen []script, all []*series) string {
	var w strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&w, format+"\n", args...) }
	line("| Janus / Cardea | freezes | seconds frozen | seconds without a frame for %.1f s | frames/s | of the camera's | height, median | changes of it | video kbit/s | audio made up, %% | seconds to recover |", stillTime)
	line("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range chosen {
		of := func(format string, f func(*series) float64) string {
			var cells []string
			for _, name := range serverNames {
				cells = append(cells, fmt.Sprintf(format, median(all, name, s.Name, f)))
			}
			return strings.Join(cells, " / ")
		}
		both := func(format string, f func(figures) float64) string {
			return of(format, func(x *series) float64 { return f(x.figures()) })
		}
		recovery := ""
		if len(s.Steps) == 3 {
			recovery = strings.ReplaceAll(both("%.1f", func(f figures) float64 { return f.recovery }), "-1.0", "not")
		}
		line("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |", s.About,
			both("%.0f", func(f figures) float64 { return float64(f.freezes) }),
			both("**%.1f**", func(f figures) float64 { return f.frozenSeconds }),
			both("%.1f", func(f figures) float64 { return f.stillSeconds }),
			both("%.1f", func(f figures) float64 { return f.fps }), of("%.1f", (*series).cameraRate),
			both("%.0f", func(f figures) float64 { return float64(f.height) }),
			both("%.0f", func(f figures) float64 { return float64(f.changes) }),
			both("%.0f", func(f figures) float64 { return f.kbps }),
			both("%.1f", func(f figures) float64 { return 100 * f.concealed }),
			recovery)
	}
	return w.String()
}

// median is over the rounds of a server and a script; the lower of two.
func median(all []*series, server, script string, f func(*series) float64) float64 {
	var values []float64
	for _, s := range all {
		if s.Server == server && s.Script == script {
			values = append(values, f(s))
		}
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
