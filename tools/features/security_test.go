package features

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const threats = "| Threat | Defence | Test that shows it |"

// unshown returns what is wrong with the tables of threats in a document, given the tests that there are, and how many rows they
// have. A row whose tests are those of the one before says "the same".
func unshown(document string, tests map[string]bool) (wrong []string, rows int) {
	for _, table := range strings.Split(document, threats+"\n|---|---|---|\n")[1:] {
		for row := range strings.Lines(table) {
			row = strings.TrimSpace(row)
			if !strings.HasPrefix(row, "|") {
				break
			}
			rows++
			cells := strings.Split(strings.Trim(row, "|"), " | ")
			if len(cells) != 3 {
				wrong = append(wrong, fmt.Sprintf("%d cells: %s", len(cells), row))
				continue
			}
			shown := name.FindAllStringSubmatch(cells[2], -1)
			if len(shown) == 0 && !strings.HasPrefix(strings.TrimSpace(cells[2]), "the same") {
				wrong = append(wrong, "no test shows: "+strings.TrimSpace(cells[0]))
			}
			for _, m := range shown {
				if !tests[m[1]] {
					wrong = append(wrong, fmt.Sprintf("there is no %s: %s", m[1], strings.TrimSpace(cells[0])))
				}
			}
		}
	}
	return wrong, rows
}

func TestEachThreatIsShownToBeMet(t *testing.T) {
	root := filepath.Join("..", "..")
	document, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := testsBelow(root)
	if err != nil {
		t.Fatal(err)
	}
	wrong, rows := unshown(string(document), tests)
	for _, w := range wrong {
		t.Error(w)
	}
	if rows < 40 {
		t.Errorf("the tables have %d rows", rows)
	}
}

func TestFaultsOfTablesOfThreatsAreFound(t *testing.T) {
	table := threats + "\n|---|---|---|\n"
	document := table + "| rain | roof | `TestRoof` |\n| snow | roof | the same |\n\n## More\n\n" + table + "| wind | walls | `TestWalls` |\n| sun | none | hope |\n| hail | roof |\n"
	wrong, rows := unshown(document, map[string]bool{"TestRoof": true})
	want := []string{"there is no TestWalls: wind", "no test shows: sun", "2 cells: | hail | roof |"}
	if !slices.Equal(wrong, want) || rows != 5 {
		t.Errorf("%d rows, %q", rows, wrong)
	}
}
