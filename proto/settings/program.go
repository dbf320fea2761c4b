package settings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/proto/version"
)

// healthTimeout is how long healthcheck waits for an answer.
const healthTimeout = 5 * time.Second

// Logging is part of each service's configuration.
type Logging struct {
	LogLevel slog.Level `help:"debug, info, warn or error." default:"info"`

	// Level, if set, is what the logger given to Run goes by: administrators can change it.
	Level *slog.LevelVar `kong:"-"`
}

// Program is the command of a service whose configuration is a C, a struct with kong tags.
type Program[C any] struct {
	Name, About, Version string

	Logging func(*C) *Logging
	// Internal is the address that has /readyz.
	Internal func(*C) string
	// Check says what would end Run at its start, of all that can be told without opening a port or a connection: secrets that are
	// too short, certificates without a key. Both config check and the start ask it. nil if there is nothing.
	Check func(C) error
	Run   func(context.Context, C, *slog.Logger) error
	// Others are further commands, by their names.
	Others map[string]func(args []string, out io.Writer) error
	// Reports are further commands that have the same settings as the service, and start nothing.
	Reports map[string]func(ctx context.Context, cfg C, out io.Writer) error
}

const commands = `

Commands, each with the same flags, environment and file:
  config check      say whether they, and the files and folders that they name, are valid, and start nothing; a variable
                    that begins with CARDEA_ and is none of any setting is an error here, at the start a warning,
                    and so is a certificate that has expired
  config print      show what is in force and where each value comes from; secrets are hidden
  config sample     print a file with every setting, its meaning and its default
  config reference  print a table of the same, in Markdown
  healthcheck       ask the running service whether it is ready: ends with status 1 if not`

// Main does what the process's arguments say, and ends the process with status 1 if that fails.
func (p *Program[C]) Main() {
	if err := p.Do(os.Args[1:], os.Stdout, os.Exit); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		os.Exit(1)
	}
}

// Do does what args say and prints to out; exit is called in place of os.Exit after --help and --version.
func (p *Program[C]) Do(args []string, out io.Writer, exit func(int)) error {
	var cfg C
	r, err := newReader(&cfg, p.Name, p.About+commands, p.version(), out, exit)
	if err != nil {
		return err
	}
	command, rest := split(args)
	switch {
	case len(command) == 0:
		if _, err := r.read(rest); err != nil {
			return p.commandFirst(err)
		}
		return p.run(cfg, misspelt(r.parser.Model, os.Environ()))
	case slices.Equal(command, []string{"healthcheck"}):
		if _, err := r.read(rest); err != nil {
			return err
		}
		return health(p.Internal(&cfg))
	case slices.Equal(command, []string{"config", "check"}):
		if _, err := r.read(rest); err != nil {
			return err
		}
		if err := errors.Join(p.check(cfg), refuseForms(flags(r.parser.Model)), refuseExpired(certificates(flags(r.parser.Model)), time.Now()), refuseMisspelt(misspelt(r.parser.Model, os.Environ()))); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "valid")
		return err
	case slices.Equal(command, []string{"config", "print"}):
		return r.print(rest, out)
	case slices.Equal(command, []string{"config", "sample"}):
		return r.sample(out)
	case slices.Equal(command, []string{"config", "reference"}):
		return r.reference(out)
	case p.Others[command[0]] != nil:
		return p.Others[command[0]](args[1:], out)
	case len(command) == 1 && p.Reports[command[0]] != nil:
		if _, err := r.read(rest); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return p.Reports[command[0]](ctx, cfg, out)
	}
	return fmt.Errorf("unknown command %q; there are %s", strings.Join(command, " "), strings.Join(p.names(), ", "))
}

// names are those of the commands there are, sorted.
func (p *Program[C]) names() []string {
	names := []string{"config check", "config print", "config reference", "config sample", "healthcheck"}
	names = append(append(names, slices.Collect(maps.Keys(p.Others))...), slices.Collect(maps.Keys(p.Reports))...)
	slices.Sort(names)
	return names
}

// commandFirst adds to what the parser says of a word that begins a command and comes after flags, which other programs take. It
// repeats no flags: they may hold secrets.
func (p *Program[C]) commandFirst(err error) error {
	said, ok := strings.CutPrefix(err.Error(), "unexpected argument ")
	if !ok {
		return err
	}
	word, _, _ := strings.Cut(said, ",") // the parser's own suggestion follows, if it has one
	for _, name := range p.names() {
		if first, _, _ := strings.Cut(name, " "); first == word {
			return fmt.Errorf("%w; a command comes before the flags: %s %s --...", err, p.Name, name)
		}
	}
	return err
}

// split parts the words before the first flag from the rest.
func split(args []string) (command, rest []string) {
	for i, arg := range args {
		if strings.HasPrefix(arg, "-") {
			return args[:i], args[i:]
		}
	}
	return args, nil
}

func (p *Program[C]) check(cfg C) error {
	if p.Check == nil {
		return nil
	}
	return p.Check(cfg)
}

// run is the service. unknown is said of the environment.
func (p *Program[C]) run(cfg C, unknown []string) error {
	if err := p.check(cfg); err != nil {
		return err
	}
	l := p.Logging(&cfg)
	l.Level = new(slog.LevelVar)
	l.Level.Set(l.LogLevel)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l.Level}))
	warnOfMisspelt(unknown, log)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return p.Run(ctx, cfg, log)
}

// version is the service's, and the commit that it was built from, if that is known.
func (p *Program[C]) version() string {
	commit := version.Noted("vcs.revision") // Version names that of an image
	if commit == "" {
		return p.Version
	}
	return p.Version + " " + commit[:min(12, len(commit))]
}

// health asks /readyz at an internal address.
func health(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("internal address %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	client := http.Client{Timeout: healthTimeout}
	got, err := client.Get("http://" + net.JoinHostPort(host, port) + "/readyz")
	if err != nil {
		return err
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(got.Body, 1<<10))
		return errors.New("not ready: " + strings.TrimSpace(string(why)))
	}
	return nil
}
