package settings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

type service struct {
	Listen   string        `help:"Where to listen" default:":1"`
	Wait     time.Duration `help:"How long." default:"5s"`
	Servers  []string      `help:"Which." default:"a,b"`
	URL      string        `help:"Of what."`
	Key      string        `help:"To what." secret:""`
	Many     int           `help:"How many." default:"3"`
	On       bool          `help:"Whether." default:"true" negatable:""`
	Internal string        `help:"Inside." default:"127.0.0.1:2"`
	Logging
}

// do runs a command and returns what it printed, and what the service was run with.
func do(t *testing.T, args ...string) (out string, ran *service, err error) {
	t.Helper()
	p := &Program[service]{
		Name: "service", About: "A service.", Version: "1",
		Logging: func(c *service) *Logging { return &c.Logging }, Internal: func(c *service) string { return c.Internal },
		Check: func(c service) error {
			if c.Many > 100 {
				return errors.New("too many")
			}
			return nil
		},
		Run: func(_ context.Context, c service, _ *slog.Logger) error { ran = &c; return nil },
		Others: map[string]func([]string, io.Writer) error{"echo": func(args []string, out io.Writer) error {
			_, err := io.WriteString(out, strings.Join(args, " "))
			return err
		}},
		Reports: map[string]func(context.Context, service, io.Writer) error{"many": func(_ context.Context, c service, out io.Writer) error {
			_, err := fmt.Fprint(out, c.Many)
			return err
		}},
	}
	var b strings.Builder
	err = p.Do(args, &b, func(int) { t.Error("exit") })
	return b.String(), ran, err
}

func TestFlagsAloneRunTheService(t *testing.T) {
	_, ran, err := do(t, "--log-level", "warn", "--many=4")
	if err != nil || ran == nil || ran.Many != 4 || ran.Level.Level() != slog.LevelWarn {
		t.Errorf("ran %+v, %v", ran, err)
	}
}

func TestCheckStartsNothing(t *testing.T) {
	if out, ran, err := do(t, "config", "check"); err != nil || ran != nil || out != "valid\n" {
		t.Errorf("%q, ran %v, %v", out, ran, err)
	}
	if _, ran, err := do(t, "config", "check", "--wait", "soon"); err == nil || ran != nil || !strings.Contains(err.Error(), "--wait") {
		t.Errorf("ran %v, %v", ran, err)
	}
}

func TestCheckAndTheStartRefuseTheSame(t *testing.T) {
	for _, command := range [][]string{{"config", "check"}, nil} {
		if _, ran, err := do(t, append(command, "--many", "101")...); err == nil || err.Error() != "too many" || ran != nil {
			t.Errorf("%v: ran %v, %v", command, ran, err)
		}
	}
	if _, _, err := do(t, "config", "print", "--many", "101"); err != nil {
		t.Errorf("what is refused is not shown: %v", err)
	}
}

func TestReportsHaveTheSettings(t *testing.T) {
	if out, ran, err := do(t, "many", "--many", "7"); err != nil || ran != nil || out != "7" {
		t.Errorf("%q, ran %v, %v", out, ran, err)
	}
	if _, _, err := do(t, "many", "--wait", "soon"); err == nil {
		t.Error("a setting that is wrong is not looked at")
	}
	if _, _, err := do(t, "many", "more"); err == nil || !strings.Contains(err.Error(), `"many more"`) {
		t.Errorf("%v", err)
	}
}

func TestPrintSaysWhatIsInForceAndWhyAndHidesSecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("wait: 7s\nmany: 8\nkey: k1"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CARDEA_URL", "nats://bob:pass1@pass3@h:1,nats://pass2@h")
	t.Setenv("CARDEA_MANY", "9")
	out, _, err := do(t, "config", "print", "--config", file, "--servers=p,q")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"listen: :1 # default\n", "wait: 7s # " + file + "\n", "servers: [p, q] # flag\n", "many: 9 # CARDEA_MANY\n",
		"url: nats://bob:(hidden)@h:1,nats://(hidden)@h # CARDEA_URL\n", "key: (hidden) # " + file + "\n", "log-level: INFO # default\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, secret := range []string{"k1", "pass1", "pass2", "pass3"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q is told:\n%s", secret, out)
		}
	}
}

// TestASampleHasTheDefaults takes the comment signs from every setting, and reads the file.
func TestASampleHasTheDefaults(t *testing.T) {
	out, _, err := do(t, "config", "sample")
	if err != nil {
		t.Fatal(err)
	}
	setting := regexp.MustCompile(`(?m)^# ([a-z-]+: .*)$`)
	if n := len(setting.FindAllString(out, -1)); n != 9 {
		t.Errorf("%d settings in\n%s", n, out)
	}
	out = regexp.MustCompile(`(?m)^url: .*|^key: .*`).ReplaceAllString(setting.ReplaceAllString(out, "$1"), "") // have none
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	_, ran, err := do(t, "--config", file)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	_, plain, _ := do(t)
	ran.Level, plain.Level = nil, nil
	if strings.Join(ran.Servers, " ") != strings.Join(plain.Servers, " ") || ran.Wait != plain.Wait || ran.Many != plain.Many || ran.On != plain.On || ran.Listen != plain.Listen {
		t.Errorf("got %+v, not %+v", ran, plain)
	}
}

func TestAReferenceHasEverySettingInFull(t *testing.T) {
	out, ran, err := do(t, "config", "reference")
	if err != nil || ran != nil {
		t.Fatal(ran, err)
	}
	for _, want := range []string{
		"| Flag | Environment | In the file | Type | Default | What it does |\n|---|---|---|---|---|---|\n",
		"| `--listen` | `CARDEA_LISTEN` | `listen` | text | `:1` | Where to listen. |\n",
		"| `--wait` | `CARDEA_WAIT` | `wait` | duration (`10s`, `5m`) | `5s` | How long. |\n",
		"| `--servers` | `CARDEA_SERVERS` | `servers` | list of text | `a,b` | Which. |\n",
		"| `--key` | `CARDEA_KEY` | `key` | text, secret |  | To what. |\n",
		"| `--many` | `CARDEA_MANY` | `many` | number | `3` | How many. |\n",
		"| `--[no-]on` | `CARDEA_ON` | `on` | `true` or `false` | `true` | Whether. |\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "\n"); n != 2+9 {
		t.Errorf("%d lines in\n%s", n, out)
	}
}

func TestAReferenceOfCommandsHasEachWithItsFlags(t *testing.T) {
	var commands struct {
		Address string `help:"Where." env:"ADDRESS" default:"here"`
		Show    struct {
			What string `arg:"" help:"This | that."`
			Size int    `help:"Bytes of it." default:"5"`
		} `cmd:"" help:"Show it."`
		Plain  struct{} `cmd:"" help:"Do it."`
		Hidden struct{} `cmd:"" hidden:"" help:"Nothing."`
	}
	parser, err := kong.New(&commands)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := CommandReference(parser.Model, &out); err != nil {
		t.Fatal(err)
	}
	const want = "| Flag | Environment | Type | Default | What it does |\n|---|---|---|---|---|\n" +
		"| `--address` | `ADDRESS` | text | `here` | Where. |\n" +
		"\n`show <what> [flags]`: Show it.\n\n" +
		"| Flag | Environment | Type | Default | What it does |\n|---|---|---|---|---|\n" +
		"| `what` |  | text |  | This \\| that. |\n" +
		"| `--size` |  | number, bytes | `5` | Bytes of it. |\n" +
		"\n`plain [flags]`: Do it.\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestHealthcheckAsksTheServiceItself(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var status atomic.Int64
	status.Store(http.StatusOK)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			http.Error(w, "draining", int(status.Load()))
		}
	})}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	if _, ran, err := do(t, "healthcheck", "--internal", l.Addr().String()); err != nil || ran != nil {
		t.Errorf("ran %v, %v", ran, err)
	}
	status.Store(http.StatusServiceUnavailable)
	if _, _, err := do(t, "healthcheck", "--internal", l.Addr().String()); err == nil || err.Error() != "not ready: draining" {
		t.Errorf("got %v", err)
	}
}

func TestOtherCommands(t *testing.T) {
	if out, _, err := do(t, "echo", "a", "-b"); err != nil || out != "a -b" {
		t.Errorf("%q, %v", out, err)
	}
	for _, args := range [][]string{{"confg"}, {"config"}, {"config", "show"}, {"healthcheck", "now"}} {
		_, ran, err := do(t, args...)
		if err == nil || ran != nil || !strings.Contains(err.Error(), strings.Join(args, " ")) || !strings.Contains(err.Error(), "config check, config print") {
			t.Errorf("%v: ran %v, %v", args, ran, err)
		}
	}
}

func TestACommandBehindFlagsIsToldToComeFirst(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // part of what is said; empty if the service runs
	}{
		{[]string{"--many", "4", "config", "check"}, "before the flags: service config "},
		{[]string{"--on", "healthcheck"}, "before the flags: service healthcheck "},
		{[]string{"--key=word", "many", "--on"}, "before the flags: service many "},
		{[]string{"--on", "echo"}, "before the flags: service echo "},
		{[]string{"--key", "echo"}, ""},
		{[]string{"--on", "confg"}, "unexpected argument confg"},
	} {
		_, ran, err := do(t, c.args...)
		if (err == nil) != (c.want == "") || (ran != nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: ran %v, %v", c.args, ran, err)
		}
		if err != nil && strings.Contains(err.Error(), "word") {
			t.Errorf("%v: repeats a flag's value: %v", c.args, err)
		}
	}
}

func TestWhatIsPrintedIsReadAgain(t *testing.T) {
	list := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(list, []byte(`servers: ["a,b", c]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		nil,
		{"--listen", "", "--servers=", "--no-on", "--wait=0s", "--many=0"},
		{"--listen", "a: b # c", "--servers=[x],'y',{z", "--url", "two\nlines: -\r", "--log-level=debug"},
		{"--listen", "007", "--servers=1,true,null,2020-01-01,~", "--url", "2020-01-01"},
		{"--config", list},
	} {
		first, _, err := do(t, append([]string{"config", "print"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, _, err := do(t, "config", "check", "--config", file); err != nil || out != "valid\n" {
			t.Errorf("%q: %q, %v of\n%s", args, out, err, first)
		}
		second, _, err := do(t, "config", "print", "--config", file)
		source := regexp.MustCompile(`(?m) # \S+$`)
		if err != nil || source.ReplaceAllString(first, "") != source.ReplaceAllString(second, "") {
			t.Errorf("%q: %v: from\n%s\nis\n%s", args, err, first, second)
		}
	}
}

func TestAFileThatHidesASecretIsRefused(t *testing.T) {
	for key, text := range map[string]string{"key": "key: (hidden)", "url": "url: nats://bob:(hidden)@h:1", "servers": "servers: ['nats://(hidden)@h']"} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ran, err := do(t, "--config", file); err == nil || ran != nil || !strings.Contains(err.Error(), key+" has (hidden)") {
			t.Errorf("%s: ran %v, %v", text, ran, err)
		}
	}
}
