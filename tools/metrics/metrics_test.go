// Package metrics keeps docs/metrics.md true: it lists the metrics that the services' code makes, all of them and no others.
package metrics

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// metric is one, as the code or the document has it.
type metric struct {
	name, kind, labels, help string
}

// row is its line in the document, but for the last cell, which says when to worry.
func (m metric) row() string {
	return fmt.Sprintf("| `%s` | %s | %s | %s |", m.name, m.kind, m.labels, m.help)
}

// prefixes are put before names by those who register the metrics of a package.
var prefixes = map[string][]string{
	"services/signaling/internal/ws":   {"cardea_edge_", "cardea_edge_admin_"},
	"services/signaling/internal/rest": {"cardea_edge_", "cardea_edge_admin_"},
}

// made returns what a file makes: by prometheus.NewGauge and its like, by ops.ShowUp, or by describe of the media node's.
func made(dir string, file *ast.File) (all []metric) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch f := call.Fun.(type) {
		case *ast.SelectorExpr:
			of, ok := f.X.(*ast.Ident)
			if ok && of.Name == "ops" && f.Sel.Name == "ShowUp" {
				all = append(all, metric{name: text(call.Args[1]), kind: "gauge", help: text(call.Args[2])})
				return true
			}
			kind := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(f.Sel.Name, "New"), "Vec"), "Func")
			if !ok || dir == "proto/ops" || of.Name != "prometheus" || !slices.Contains([]string{"Gauge", "Counter", "Histogram", "Summary"}, kind) {
				return true
			}
			m := metric{kind: strings.ToLower(kind), name: member(call.Args[0], "Name"), help: member(call.Args[0], "Help")}
			if strings.HasSuffix(f.Sel.Name, "Vec") {
				m.labels = list(call.Args[1].(*ast.CompositeLit).Elts)
			}
			before, wrapped := prefixes[dir]
			if !wrapped {
				before = []string{""}
			}
			for _, prefix := range before {
				one := m
				one.name = prefix + m.name
				all = append(all, one)
			}
		case *ast.Ident:
			if f.Name != "describe" || dir != "services/media" {
				return true
			}
			m := metric{name: "cardea_media_" + text(call.Args[0]), kind: "gauge", help: text(call.Args[1]), labels: list(call.Args[2:])}
			if strings.HasSuffix(m.name, "_total") {
				m.kind = "counter"
			}
			all = append(all, m)
		}
		return true
	})
	return all
}

// member is the text of a member of options.
func member(options ast.Expr, name string) string {
	for _, e := range options.(*ast.CompositeLit).Elts {
		if kv := e.(*ast.KeyValueExpr); kv.Key.(*ast.Ident).Name == name {
			return text(kv.Value)
		}
	}
	return ""
}

// text is that of a literal; of anything else it is nothing, and the metric is missed by its name.
func text(e ast.Expr) string {
	literal, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return s
}

func list(all []ast.Expr) string {
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = "`" + text(e) + "`"
	}
	return strings.Join(names, ", ")
}

// inCode returns what the services and what they share make.
func inCode(t *testing.T) []metric {
	t.Helper()
	var all []metric
	for _, top := range []string{"services", "proto"} {
		root := filepath.Join("..", "..", top)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".pb.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			dir, err := filepath.Rel(filepath.Join("..", ".."), filepath.Dir(path))
			all = append(all, made(filepath.ToSlash(dir), file)...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

var row = regexp.MustCompile("(?m)^(\\| `([a-z0-9_]+)` \\| ([a-z]+) \\| ([^|]*) \\| ([^|]+) \\|) ([^|]*) \\|$")

func TestEveryMetricIsDocumentedAndNoOther(t *testing.T) {
	b, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(b), -1) {
		if _, twice := documented[m[1]]; twice {
			t.Errorf("%s is there twice", m[2])
		}
		if documented[m[1]] = m[2]; strings.TrimSpace(m[6]) == "" {
			t.Errorf("when to worry about %s is not said", m[2])
		}
	}
	lines := strings.Count(string(b), "\n| `cardea_")
	if lines != len(documented) {
		t.Errorf("%d rows, of which %d are understood", lines, len(documented))
	}
	code := inCode(t)
	if len(code) < 50 {
		t.Errorf("only %d metrics in the code", len(code))
	}
	for _, m := range code {
		if _, ok := documented[m.row()]; !ok {
			t.Errorf("docs/metrics.md lacks: %s", m.row())
		}
		delete(documented, m.row())
	}
	for r := range documented {
		t.Errorf("the code does not make: %s", r)
	}
}

// https://prometheus.io/docs/practices/naming/
func TestNamesFollowPrometheusConventions(t *testing.T) {
	name := regexp.MustCompile(`^cardea_(media|roomstate|edge|events|traces|certificate)_[a-z][a-z_]*$`)
	seen := map[string]bool{}
	for _, m := range inCode(t) {
		if !name.MatchString(m.name) || seen[m.name] {
			t.Errorf("%s: not a name of ours, or there twice", m.name)
		}
		seen[m.name] = true
		if total := strings.HasSuffix(m.name, "_total"); total != (m.kind == "counter") {
			t.Errorf("%s is a %s", m.name, m.kind)
		}
		if m.kind == "histogram" && !strings.HasSuffix(m.name, "_seconds") {
			t.Errorf("%s has no unit", m.name)
		}
		for _, unit := range []string{"_ms", "_us", "milli", "micro", "kilo", "mega", "_count", "_sum", "_bucket", "percent"} {
			if strings.Contains(m.name, unit) {
				t.Errorf("%s: Prometheus counts seconds, bytes and ratios", m.name)
			}
		}
		for _, endless := range []string{"room", "user", "session", "handle", "feed", "peer", "address", "remote", "participant"} {
			if strings.Contains(m.labels, "`"+endless) {
				t.Errorf("%s has the label %s, of which there may be any number", m.name, endless)
			}
		}
		if m.help == "" || !strings.HasSuffix(m.help, ".") {
			t.Errorf("%s: help is no sentence: %q", m.name, m.help)
		}
	}
}
