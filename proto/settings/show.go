package settings

import (
	"encoding"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// hidden stands for a secret.
const hidden = "(hidden)"

// credentials are those within URLs, up to the last @ of each: all of them but a user's name.
var credentials = regexp.MustCompile(`://([^:/@\s]*:)?[^/\s]+@`)

// hiding tells whether a value was printed in place of one with a secret.
func hiding(value any) bool {
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, hiding)
	}
	text, ok := value.(string)
	return ok && (text == hidden || strings.Contains(text, "://") && strings.Contains(text, hidden+"@"))
}

// print shows what is in force, as a file that has the same in force: but for secrets, which a file that is read must not hide.
func (r *reader) print(args []string, out io.Writer) error {
	ctx, err := r.read(args)
	if err != nil {
		return err
	}
	given := map[string]bool{}
	for _, step := range ctx.Path {
		if step.Flag != nil && !step.Resolved {
			given[step.Flag.Name] = true
		}
	}
	for _, flag := range flags(r.parser.Model) {
		value, err := encode(flag.Target.Interface())
		if err != nil {
			return fmt.Errorf("%s: %w", flag.Name, err)
		}
		if flag.Tag.Has("secret") && value != `""` {
			value = hidden
		}
		value = credentials.ReplaceAllString(value, "://${1}"+hidden+"@")
		if _, err := fmt.Fprintf(out, "%s: %s # %s\n", flag.Name, value, r.source(flag, given)); err != nil {
			return err
		}
	}
	return nil
}

// source says where a value comes from.
func (r *reader) source(flag *kong.Flag, given map[string]bool) string {
	if given[flag.Name] {
		return "flag"
	}
	for _, env := range flag.Envs {
		if _, ok := os.LookupEnv(env); ok {
			return env
		}
	}
	if _, ok := r.file[flag.Name]; ok {
		return r.path
	}
	return "default"
}

// encode returns a value as YAML in one line.
func encode(value any) (string, error) {
	b, err := yaml.Marshal(plain(reflect.ValueOf(value)))
	return strings.TrimSpace(string(b)), err
}

// plain is a value in words of YAML.
func plain(v reflect.Value) any {
	if v.Kind() == reflect.Slice {
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return flow(list)
	}
	switch x := v.Interface().(type) {
	case encoding.TextMarshaler:
		b, _ := x.MarshalText()
		return line(string(b))
	case fmt.Stringer:
		return line(x.String())
	case string:
		return line(x)
	default:
		return x
	}
}

// line is a text that is written in one line.
func line(text string) any {
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: text}
}

// flow is a list that is written in one line.
func flow(list []any) any {
	n := new(yaml.Node)
	if n.Encode(list) == nil {
		n.Style = yaml.FlowStyle
	}
	return n
}

// sample writes a file with every setting commented out.
func (r *reader) sample(out io.Writer) error {
	model := r.parser.Model
	if _, err := fmt.Fprintf(out, "# Settings of %s: all there are, with their defaults. A flag or a variable of the environment goes before what is here.\n", model.Name); err != nil {
		return err
	}
	for _, flag := range flags(model) {
		value := flag.FormatPlaceHolder()
		if flag.HasDefault {
			var err error
			if value, err = encode(asWritten(flag.Default)); err != nil {
				return fmt.Errorf("%s: %w", flag.Name, err)
			}
		}
		if flag.IsBool() && !flag.HasDefault {
			value = "false"
		}
		_, err := fmt.Fprintf(out, "\n# %s Environment: %s.\n# %s: %s\n", sentence(flag.Help), strings.Join(flag.Envs, ", "), flag.Name, value)
		if err != nil {
			return err
		}
	}
	return nil
}

// asWritten keeps what looks like a number or a truth value from being quoted.
func asWritten(value string) any {
	var v any
	if yaml.Unmarshal([]byte(value), &v) == nil && v != nil {
		return v
	}
	return value
}

// sentence ends with a full stop.
func sentence(s string) string {
	s = strings.TrimRightFunc(s, unicode.IsSpace)
	if s != "" && !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
