package ctl

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// table is lines of cells below a head.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer, head ...any) *table {
	t := &table{tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)}
	t.row(head...)
	return t
}

// row adds a line. Texts are whatever somebody in a room calls himself: nothing in them gets at the terminal.
func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		if texts[i] = printable(fmt.Sprint(cell)); texts[i] == "" {
			texts[i] = "-"
		}
	}
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(texts, "\t"), "\t"))
}

func (t *table) flush() error { return t.w.Flush() }

// printable puts � for what is no character to be seen.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// share is n of most, and in percent where there is a most.
func share(n, most uint64) string {
	if most == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d (%d%%)", n, 100*n/most)
}

// megabits is bits as such.
func megabits(bits uint64) string { return fmt.Sprintf("%.1f", float64(bits)/1e6) }

// pluginName is a plugin's without what all of them begin with.
func pluginName(name string) string { return strings.TrimPrefix(name, "janus.plugin.") }
