package settings

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Listen  string        `help:"Where to listen." default:":1"`
	Wait    time.Duration `help:"How long." default:"5s"`
	Servers []string      `help:"Which."`
}

func read(t *testing.T, file string, args ...string) (sample, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	var s sample
	r, err := newReader(&s, "sample", "A sample.", "1.2", io.Discard, func(int) { t.Error("exit") })
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.read(args)
	return s, err
}

func TestPrecedenceIsFlagEnvFileDefault(t *testing.T) {
	for _, c := range []struct {
		name, file, env, flag, want string
	}{
		{"default", "", "", "", ":1"},
		{"file", "listen: :2", "", "", ":2"},
		{"env over file", "listen: :2", ":3", "", ":3"},
		{"flag over env", "listen: :2", ":3", ":4", ":4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env != "" {
				t.Setenv("CARDEA_LISTEN", c.env)
			}
			var args []string
			if c.flag != "" {
				args = []string{"--listen", c.flag}
			}
			s, err := read(t, c.file, args...)
			if err != nil || s.Listen != c.want {
				t.Errorf("%q, %v", s.Listen, err)
			}
		})
	}
}

func TestFileHoldsListsAndDurations(t *testing.T) {
	s, err := read(t, "wait: 7m\nservers: [a, b]")
	if err != nil || s.Wait != 7*time.Minute || strings.Join(s.Servers, " ") != "a b" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestUnknownKeyIsAnErrorWithTheNearest(t *testing.T) {
	_, err := read(t, "lissten: x")
	if err == nil || !strings.Contains(err.Error(), `unknown key "lissten"; did you mean "listen"?`) {
		t.Errorf("got %v", err)
	}
}

func TestAKeyThatIsPartOfAnotherNamesTheNearest(t *testing.T) {
	names := []string{"api-secret-file-old", "api-secret-file", "api", "listen", "traces-tls-ca"}
	for key, want := range map[string]string{
		"api-secret": "api-secret-file", "listen-address": "listen", "api-sicret-file": "api-secret-file", "traces": "traces-tls-ca",
	} {
		if got := suggestion(key, names); got != fmt.Sprintf("; did you mean %q?", want) {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	for _, key := range []string{"", "a", "listening-everywhere"} {
		if got := suggestion(key, names); strings.Contains(got, "did you mean") {
			t.Errorf("%q: got %s", key, got)
		}
	}
}

func TestNothingIsSuggestedForWhatIsLikeNothing(t *testing.T) {
	for _, key := range []string{"zzzzzz", "help"} {
		_, err := read(t, key+": x")
		if err == nil || strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%s: got %v", key, err)
		}
	}
}

func TestBadValueNamesTheKey(t *testing.T) {
	_, err := read(t, "wait: soon")
	if err == nil || !strings.Contains(err.Error(), "--wait") || !strings.Contains(err.Error(), "soon") {
		t.Errorf("got %v", err)
	}
}
