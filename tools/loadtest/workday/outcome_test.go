package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/internal/report"
)

// counted is an account of a day of which the first two phases were.
func counted() *account {
	a := newAccount(new(cluster.Cluster))
	a.begin(time.Now())
	a.came(time.Second, nil)
	a.enter(1, nil)
	a.came(2*time.Second, nil)
	a.over(nil)
	return a
}

func TestWhatMustNotBeEndsWithOne(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*account)
		want    string
	}{
		"all is well":          {func(*account) {}, ""},
		"somebody cannot come": {func(a *account) { a.came(0, errors.New("no answer")) }, "1 times"},
		"somebody is given up": {func(a *account) { a.trouble(errors.New("hangup")); a.trouble(errors.New("hangup")) }, "2 times"},
		"nobody has ever come": {func(a *account) { a.parts[0].joins, a.parts[1].joins = 0, 0 }, "nobody"},
		"much more than is told": {func(a *account) {
			for range 100 {
				a.trouble(errors.New("again"))
			}
		}, "100 times"},
	} {
		a := counted()
		c.happens(a)
		out := a.sum(&config{People: 5, Seed: 3}, report.Times{}, 0)
		got := strings.Join(out.failures(), "; ")
		if !strings.HasPrefix(got, c.want) || got != "" && c.want == "" {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if len(out.Problems) > mostProblems {
			t.Errorf("%s: %d problems", name, len(out.Problems))
		}
		if page := out.markdown(); strings.Count(page, "\n| ") != 3 || strings.Contains(page, "wrong") != (out.Troubles > 0) {
			t.Errorf("%s:\n%s", name, page)
		}
	}
}

func TestADayIsWritten(t *testing.T) {
	dir := t.TempDir()
	if err := counted().sum(&config{}, report.Times{}, 0).write(dir); err != nil {
		t.Fatal(err)
	}
	out, err := report.ReadFile(dir + "/load.json") // is JSON
	if err != nil || out == nil {
		t.Error(err)
	}
}
