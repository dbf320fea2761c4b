package seeing

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func known(t *testing.T) catalogue {
	t.Helper()
	all, err := read("../../../docs/metrics.md")
	if err != nil || len(all) < 50 {
		t.Fatalf("%d metrics, %v", len(all), err)
	}
	return all
}

func TestAlertsAskForMetricsThatThereAre(t *testing.T) {
	c := known(t)
	groups, errs := rulefmt.ParseFile("../../prometheus/alerts.yaml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	seen := map[string]bool{}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || seen[r.Alert] || !strings.HasPrefix(r.Alert, "Cardea") {
				t.Errorf("%q: no name, or there twice", r.Alert)
			}
			seen[r.Alert] = true
			wrong, labels := c.judge(r.Expr)
			for _, problem := range wrong {
				t.Errorf("%s: %s", r.Alert, problem)
			}
			if s := r.Labels["severity"]; s != "page" && s != "ticket" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			for _, name := range []string{"summary", "description"} {
				text := r.Annotations[name]
				if text == "" {
					t.Errorf("%s: no %s", r.Alert, name)
				}
				for _, m := range regexp.MustCompile(`\$labels\.([a-z]+)`).FindAllStringSubmatch(text, -1) {
					if !slices.Contains(labels, m[1]) {
						t.Errorf("%s: %s has the label %s, the expression has not", r.Alert, name, m[1])
					}
				}
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d alerts", len(seen))
	}
	tried, err := os.ReadFile("../../prometheus/alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name := range seen {
		if !strings.Contains(string(tried), `"`+name+`"`) && !strings.Contains(string(tried), name+"|") && !strings.Contains(string(tried), "|"+name) {
			t.Errorf("alerts_test.yaml does not try %s", name)
		}
	}
}

// dashboard is as Grafana stores one, as far as is looked at.
type dashboard struct {
	UID        string   `json:"uid"`
	Title      string   `json:"title"`
	Tags       []string `json:"tags"`
	Panels     []panel  `json:"panels"`
	Templating struct {
		List []struct {
			Name  string `json:"name"`
			Type  string `json:"type"`
			Query any    `json:"query"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID      int    `json:"id"`
	Type    string `json:"type"`
	Title   string `json:"title"`
	GridPos struct {
		X int `json:"x"`
		Y int `json:"y"`
		W int `json:"w"`
		H int `json:"h"`
	} `json:"gridPos"`
	Targets []struct {
		Expr   string `json:"expr"`
		Legend string `json:"legendFormat"`
		Source struct {
			UID string `json:"uid"`
		} `json:"datasource"`
	} `json:"targets"`
}

var (
	variable = regexp.MustCompile(`\$\{?([A-Za-z_]+)\}?`)
	legend   = regexp.MustCompile(`\{\{\s*([a-z_]+)\s*\}\}`)
	values   = regexp.MustCompile(`^label_values\((.+), ([a-z_]+)\)$`)
)

// asked puts what Grafana would in place of its variables.
func asked(expression string) string {
	expression = strings.ReplaceAll(expression, "$__rate_interval", "5m")
	return variable.ReplaceAllString(expression, "x")
}

func TestDashboardsAskForMetricsThatThereAre(t *testing.T) {
	c := known(t)
	files, err := filepath.Glob("../../grafana/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	uids, shown := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var d dashboard
			if err := json.Unmarshal(b, &d); err != nil {
				t.Fatal(err)
			}
			if d.UID == "" || uids[d.UID] || d.Title == "" || !slices.Contains(d.Tags, "cardea") {
				t.Errorf("uid %q, title %q, tags %v", d.UID, d.Title, d.Tags)
			}
			uids[d.UID] = true
			for _, problem := range d.faults(c, shown) {
				t.Error(problem)
			}
		})
	}
	for name := range c {
		if strings.HasPrefix(name, "cardea_") && !shown[name] && !strings.HasPrefix(name, "cardea_edge_admin_") {
			t.Errorf("no dashboard shows %s", name)
		}
	}
}

// faults is what is wrong with a dashboard; the metrics that it shows are noted.
func (d *dashboard) faults(c catalogue, shown map[string]bool) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	variables := map[string]bool{}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
		query, ok := v.Query.(map[string]any)
		if !ok {
			continue
		}
		text, _ := query["query"].(string)
		m := values.FindStringSubmatch(text)
		if m == nil {
			say("variable %s: query %q", v.Name, text)
			continue
		}
		problems, labels := c.judge(asked(m[1]))
		for _, problem := range problems {
			say("variable %s: %s", v.Name, problem)
		}
		if !slices.Contains(labels, m[2]) {
			say("variable %s: there is no label %s", v.Name, m[2])
		}
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" {
			say("panel %d %q: no title, or the number is there twice", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					say("%s lies over %q, or outside", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if (len(p.Targets) == 0) != (p.Type == "row") {
			say("%s asks for %d series", p.Title, len(p.Targets))
		}
		for _, target := range p.Targets {
			if target.Source.UID != "${datasource}" {
				say("%s asks %q", p.Title, target.Source.UID)
			}
			for _, m := range variable.FindAllStringSubmatch(target.Expr, -1) {
				if !variables[m[1]] && m[1] != "__rate_interval" {
					say("%s: there is no variable %s", p.Title, m[1])
				}
			}
			problems, labels := c.judge(asked(target.Expr))
			for _, problem := range problems {
				say("%s: %s", p.Title, problem)
			}
			for _, m := range legend.FindAllStringSubmatch(target.Legend, -1) {
				if !slices.Contains(labels, m[1]) {
					say("%s: the legend has the label %s, the expression has not", p.Title, m[1])
				}
			}
			for name := range c {
				if regexp.MustCompile(`\b` + name + `(_bucket|_count|_sum)?\b`).MatchString(target.Expr) {
					shown[name] = true
				}
			}
		}
	}
	return wrong
}

// What else names metrics: the chart, by which it scales, and pages. Some names are given by rules for an adapter.
func TestOtherFilesNameMetricsThatThereAre(t *testing.T) {
	c := known(t)
	name := regexp.MustCompile(`\bcardea_(?:media|roomstate|edge|events)_[a-z_]+[a-z]`)
	named := 0
	for _, pattern := range []string{"../../helm/cardea/templates/*", "../../helm/cardea/values.yaml", "../../kubernetes/*.yaml", "../../../docs/*.md", "../../../README.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range name.FindAllString(string(b), -1) {
				named++
				if _, _, ok := c.find(found); !ok && c[found].kind == "" && found != "cardea_media_packets_per_second" {
					t.Errorf("%s: there is no metric %s", file, found)
				}
			}
		}
	}
	if named < 60 {
		t.Errorf("only %d names", named)
	}
}

func TestWhatMakesNoSenseIsFound(t *testing.T) {
	c := known(t)
	for expression, want := range map[string]string{
		`sum(cardea_media_peer)`:                                  "there is no metric cardea_media_peer",
		`rate(cardea_media_peers[5m])`:                            "is a gauge",
		`cardea_media_drops_total`:                                "is a counter",
		`sum by (room) (cardea_media_peers)`:                      "nothing has the label room",
		`cardea_media_peers{room="1"}`:                            "has no label room",
		`rate(cardea_edge_request_seconds[5m])`:                   "there is no metric cardea_edge_request_seconds",
		`sum by (le) (rate(cardea_edge_request_seconds_sum[5m]))`: "nothing has the label le",
		`sum(rate(cardea_media_drops_total[5m])`:                  "unclosed left parenthesis",
		`1`:                                                       "no metric is asked for",
	} {
		wrong, _ := c.judge(expression)
		if !strings.Contains(strings.Join(wrong, "; "), want) {
			t.Errorf("%s: got %q", expression, wrong)
		}
	}
}
