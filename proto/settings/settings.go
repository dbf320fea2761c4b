// Package settings reads a service's configuration. A struct with kong tags says what there is to set; a value
// comes from the flag, else the environment (CARDEA_ and the flag's name), else the YAML file, else the default. A field
// with the tag secret is not printed; one with the tag certificate names a file with certificates, one with the tag form is an address or a folder, which config check tries. A key of the file that no setting has is an error; of a variable, config check says so, and
// the start warns.
package settings

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// Parse fills target, a pointer to a struct, for a command that has no others. Asked for --help or --version it prints that
// and ends the process; every other problem is an error that names the key.
func Parse(target any, name, about, version string, args []string) error {
	r, err := newReader(target, name, about, version, os.Stdout, os.Exit)
	if err != nil {
		return err
	}
	_, err = r.read(args)
	return err
}

// reader reads the configuration of one command.
type reader struct {
	parser *kong.Kong
	file   fileValues // nil if there is none
	path   string     // of the file
}

// common is what every command has besides its own settings.
type common struct {
	Config  string           `help:"YAML file with any of these settings, by the names shown here." type:"path" placeholder:"FILE"`
	Version kong.VersionFlag `help:"Print the version and end." env:"-"`
}

// isCommon says so of a flag's name.
func isCommon(name string) bool { return slices.Contains([]string{"help", "version", "config"}, name) }

// newReader returns one that fills target, a pointer to a struct. about is the first line of --help.
func newReader(target any, name, about, version string, out io.Writer, exit func(int)) (*reader, error) {
	parser, err := kong.New(target,
		kong.Name(name), kong.Description(about), kong.DefaultEnvars(prefix), kong.Vars{"version": version},
		kong.Embed(new(common)), kong.Writers(out, out), kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}))
	if err != nil {
		return nil, fmt.Errorf("settings of %s: %w", name, err)
	}
	return &reader{parser: parser}, nil
}

// read fills the target from args and what else there is. Asked for --help or --version it prints that and ends the
// process; every other problem is an error that names the key.
func (r *reader) read(args []string) (*kong.Context, error) {
	path, err := fileNamed(args)
	if err != nil {
		return nil, err
	}
	if path != "" {
		if r.file, err = readFile(path, r.parser.Model); err != nil {
			return nil, err
		}
		r.path = path
		if err := kong.Resolvers(r.file).Apply(r.parser); err != nil {
			return nil, err
		}
	}
	ctx, err := r.parser.Parse(args)
	if err == nil {
		err = refuseNegative(flags(r.parser.Model))
	}
	return ctx, err
}

// Defaults fills target, a pointer to a struct as for Parse, with its defaults alone.
func Defaults(target any) error {
	if err := kong.ApplyDefaults(target); err != nil {
		return fmt.Errorf("defaults of %T: %w", target, err)
	}
	return nil
}

// fileNamed finds the file's name before the rest is read, since the rest depends on it.
func fileNamed(args []string) (string, error) {
	for i, arg := range args {
		if arg == "--config" {
			if i+1 == len(args) {
				return "", errors.New("--config: expected a file name")
			}
			return args[i+1], nil
		}
		if path, ok := strings.CutPrefix(arg, "--config="); ok {
			return path, nil
		}
	}
	return os.Getenv(prefix + "_CONFIG"), nil
}

// fileValues are the settings of a file, by flag name.
type fileValues map[string]any

func readFile(path string, model *kong.Application) (fileValues, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	values := fileValues{}
	if err := yaml.Unmarshal(b, &values); err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", path, err)
	}
	var known []string
	for _, flag := range flags(model) {
		known = append(known, flag.Name)
	}
	for key := range values {
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("%s: unknown key %q%s", path, key, suggestion(key, known))
		}
		if hiding(values[key]) {
			return nil, fmt.Errorf("%s: %s has %s, which config print writes where a secret is: the secret itself belongs there", path, key, hidden)
		}
	}
	return values, nil
}

// flags are those of the service itself.
func flags(model *kong.Application) (own []*kong.Flag) {
	for _, group := range model.AllFlags(true) {
		for _, flag := range group {
			if !isCommon(flag.Name) {
				own = append(own, flag)
			}
		}
	}
	return own
}

func (v fileValues) Validate(*kong.Application) error { return nil }

func (v fileValues) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, ok := os.LookupEnv(env); ok {
			return nil, nil
		}
	}
	switch value := v[flag.Name].(type) {
	case string:
		if value == "" && !flag.HasDefault { // as config print has it of what is not set: no path to look at
			return nil, nil
		}
		return value, nil
	case []any:
		words := make([]string, len(value))
		for i := range value {
			words[i] = fmt.Sprint(value[i])
		}
		return kong.JoinEscaped(words, flag.Tag.Sep), nil
	case nil:
		return nil, nil
	default:
		return fmt.Sprint(value), nil
	}
}

// suggestion names what may have been meant, if anything is near.
func suggestion(key string, names []string) string {
	if best := Nearest(key, names); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return "; --help lists those there are"
}

// Nearest returns what may have been meant, or "": at most a third of the letters differ, or one begins with the other.
func Nearest(key string, names []string) string {
	best, least := "", len(key)/3+1
	for _, name := range names {
		if d := distance(key, name); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		best = extended(key, names)
	}
	return best
}

// extended returns the name nearest in length that begins with the key, or that the key begins with, each a word or more.
func extended(key string, names []string) (best string) {
	least := -1
	for _, name := range names {
		if !strings.HasPrefix(name, key+"-") && !strings.HasPrefix(key, name+"-") {
			continue
		}
		if d := max(len(key), len(name)) - min(len(key), len(name)); least < 0 || d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
