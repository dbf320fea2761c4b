// Package settingstest has what tests of a program's settings share.
package settingstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/settings"
)

// source is what config print says of where a value comes from.
var source = regexp.MustCompile(`(?m) # \S+$`)

// RoundTrip has the program print what args set, and read that as its file: it must find it valid, print the same, and be as
// without the args for all that they do not set.
func RoundTrip[C any](t testing.TB, check func(C) error, args ...string) {
	t.Helper()
	for _, entry := range os.Environ() { // such as those of tests
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "CARDEA_") {
			t.Setenv(name, value) // puts it back in the end
			_ = os.Unsetenv(name)
		}
	}
	p := &settings.Program[C]{Name: "program", About: "A program.", Version: "1", Check: check}
	do := func(args ...string) string {
		t.Helper()
		var out strings.Builder
		if err := p.Do(args, &out, func(int) { t.Error("exit") }); err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		return out.String()
	}
	printed := do(append([]string{"config", "print"}, args...)...)
	if len(args) > 0 && strings.Count(printed, " # flag\n") == 0 {
		t.Errorf("%s set nothing in\n%s", args, printed)
	}
	file := filepath.Join(t.TempDir(), "printed.yaml")
	if err := os.WriteFile(file, []byte(printed), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := do("config", "check", "--config", file); got != "valid\n" {
		t.Errorf("config check says %q", got)
	}
	again := do("config", "print", "--config", file)
	if want, got := source.ReplaceAllString(printed, ""), source.ReplaceAllString(again, ""); got != want {
		t.Errorf("printed\n%s\nand from that file\n%s", want, got)
	}
}

// Case is what is set, beside the defaults, and part of what check says of it; empty if it is valid.
type Case[C any] = struct {
	Set  func(*C)
	Want string
}

// Checked has check judge each case, by name.
func Checked[C any](t testing.TB, check func(C) error, cases map[string]Case[C]) {
	t.Helper()
	for name, c := range cases {
		var cfg C
		if err := settings.Defaults(&cfg); err != nil {
			t.Fatal(err)
		}
		c.Set(&cfg)
		err := check(cfg)
		if (err == nil) != (c.Want == "") || err != nil && !strings.Contains(err.Error(), c.Want) {
			t.Errorf("%s: got %v, want %q", name, err, c.Want)
		}
	}
}

// File writes text to a file, whose name settings have to quote.
func File(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a file: of #settings")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
