// Package features keeps the README's table of features true in one respect: what a row says is shown by tests that
// there are.
package features

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
	"strings"
	"testing"
)

const heading = "| | Janus 1.x | Cardea | Shown by |"

var name = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")

// faults returns what is wrong with the table in a README, given the tests that there are, and how many rows it has.
func faults(readme string, tests map[string]bool) (wrong []string, rows int) {
	_, table, found := strings.Cut(readme, heading+"\n|---|---|---|---|\n")
	if !found {
		return []string{"there is no table"}, 0
	}
	for row := range strings.Lines(table) {
		row = strings.TrimSpace(row)
		if !strings.HasPrefix(row, "|") {
			break
		}
		rows++
		cells := strings.Split(strings.Trim(row, "|"), " | ")
		if len(cells) != 4 {
			wrong = append(wrong, fmt.Sprintf("%d cells: %s", len(cells), row))
			continue
		}
		feature, cardea := strings.TrimSpace(cells[0]), strings.TrimSpace(cells[2])
		shown := name.FindAllStringSubmatch(cells[3], -1)
		if len(shown) == 0 && cardea != "no" && cardea != "not yet" {
			wrong = append(wrong, "no test shows: "+feature)
		}
		for _, m := range shown {
			if !tests[m[1]] {
				wrong = append(wrong, fmt.Sprintf("there is no %s: %s", m[1], feature))
			}
		}
	}
	return wrong, rows
}

// testsBelow returns the names of all tests in a folder, whatever build tags they have.
func testsBelow(root string) (map[string]bool, error) {
	tests := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "artifacts"):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				tests[f.Name.Name] = true
			}
		}
		return nil
	})
	return tests, err
}

func TestEveryFeatureIsShown(t *testing.T) {
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := testsBelow(root)
	if err != nil {
		t.Fatal(err)
	}
	wrong, rows := faults(string(readme), tests)
	for _, w := range wrong {
		t.Error(w)
	}
	if rows < 20 {
		t.Errorf("the table has %d rows", rows)
	}
}

func TestFaultsOfATableAreFound(t *testing.T) {
	table := heading + "\n|---|---|---|---|\n" +
		"| flying | no | yes | `TestFlight`, `TestLanding` |\n" +
		"| swimming | no | yes | by eye |\n" +
		"| walking | yes | not yet | |\n" +
		"| running | yes |\n\n" +
		"| another table | x | yes | `TestNothing` |\n"
	wrong, rows := faults(table, map[string]bool{"TestFlight": true})
	want := []string{"there is no TestLanding: flying", "no test shows: swimming", "2 cells: | running | yes |"}
	if !slices.Equal(wrong, want) || rows != 4 {
		t.Errorf("%d rows, %q", rows, wrong)
	}
	if wrong, _ := faults("no table", nil); len(wrong) != 1 {
		t.Errorf("without a table: %q", wrong)
	}
}
