package seeing

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// metric is one that may be asked for.
type metric struct {
	kind   string // counter, gauge or histogram
	labels []string
}

// everywhere are labels that scraping gives to all series, and those of its own metrics.
var everywhere = []string{"namespace", "job", "pod", "instance"}

// usual are metrics of Go, of processes and of Prometheus itself that are asked for.
var usual = map[string]metric{
	"up":                            {kind: "gauge"},
	"go_goroutines":                 {kind: "gauge"},
	"go_memstats_heap_inuse_bytes":  {kind: "gauge"},
	"go_memstats_alloc_bytes_total": {kind: "counter"},
	"process_cpu_seconds_total":     {kind: "counter"},
	"process_resident_memory_bytes": {kind: "gauge"},
	"process_open_fds":              {kind: "gauge"},
	"process_max_fds":               {kind: "gauge"},
	"process_start_time_seconds":    {kind: "gauge"},
}

// catalogue is all that may be asked for, by name.
type catalogue map[string]metric

var row = regexp.MustCompile("(?m)^\\| `(cardea_[a-z0-9_]+)` \\| ([a-z]+) \\| ([^|]*) \\|")

// read makes a catalogue of docs/metrics.md.
func read(path string) (catalogue, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all := catalogue{}
	for name, m := range usual {
		all[name] = m
	}
	for _, found := range row.FindAllStringSubmatch(string(b), -1) {
		m := metric{kind: found[2]}
		for label := range strings.SplitSeq(found[3], ",") {
			if label = strings.Trim(label, " `"); label != "" {
				m.labels = append(m.labels, label)
			}
		}
		all[found[1]] = m
	}
	return all, nil
}

// find returns the metric that a series is of, and of what kind the series is: those of histograms are counters.
func (c catalogue) find(series string) (m metric, kind string, ok bool) {
	if m, ok = c[series]; ok {
		return m, m.kind, m.kind != "histogram" // which is no series itself
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if name, cut := strings.CutSuffix(series, suffix); cut && c[name].kind == "histogram" {
			m := c[name]
			m.labels = slices.Clone(m.labels)
			if suffix == "_bucket" {
				m.labels = append(m.labels, "le")
			}
			return m, "counter", true
		}
	}
	return metric{}, "", false
}

// judge returns what is wrong with an expression, and the labels that its result may have.
func (c catalogue) judge(expression string) (wrong []string, labels []string) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return []string{err.Error()}, nil
	}
	asked := 0
	parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			asked++
			m, kind, ok := c.find(n.Name)
			if !ok {
				wrong = append(wrong, fmt.Sprintf("there is no metric %s", n.Name))
				return nil
			}
			rated := slices.ContainsFunc(path, func(p parser.Node) bool {
				call, ok := p.(*parser.Call)
				return ok && slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name)
			})
			if rated != (kind == "counter") {
				wrong = append(wrong, fmt.Sprintf("%s is a %s; rate and increase are for counters, and for all of them", n.Name, kind))
			}
			for _, matcher := range n.LabelMatchers {
				if matcher.Name != model.MetricNameLabel && !slices.Contains(m.labels, matcher.Name) && !slices.Contains(everywhere, matcher.Name) {
					wrong = append(wrong, fmt.Sprintf("%s has no label %s", n.Name, matcher.Name))
				}
			}
			labels = append(append(labels, m.labels...), everywhere...)
		case *parser.AggregateExpr:
			below := c.below(n)
			for _, label := range n.Grouping {
				if !slices.Contains(below, label) {
					wrong = append(wrong, fmt.Sprintf("nothing has the label %s in %s", label, n))
				}
			}
		}
		return nil
	})
	if asked == 0 {
		wrong = append(wrong, "no metric is asked for")
	}
	if sum, ok := parsed.(*parser.AggregateExpr); ok && !sum.Without {
		labels = sum.Grouping
	}
	return wrong, labels
}

// below are the labels that what is aggregated may have.
func (c catalogue) below(n parser.Node) (labels []string) {
	parser.Inspect(n, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			m, _, _ := c.find(v.Name)
			labels = append(append(labels, m.labels...), everywhere...)
		}
		return nil
	})
	return labels
}
