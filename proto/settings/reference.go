package settings

import (
	"encoding"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// reference writes all settings of a service as a table in Markdown, for docs/configuration.md.
func (r *reader) reference(out io.Writer) error {
	return table(out, flags(r.parser.Model), true)
}

// CommandReference writes all flags of a command line that reads no file, and of each of its commands, for the same page.
func CommandReference(app *kong.Application, out io.Writer) error {
	if err := table(out, flags(app), false); err != nil {
		return err
	}
	for _, command := range app.Children {
		if command.Hidden {
			continue
		}
		if _, err := fmt.Fprintf(out, "\n`%s`: %s\n", command.Summary(), inCell(sentence(command.Help))); err != nil {
			return err
		}
		var arguments []row
		for _, a := range command.Positional {
			arguments = append(arguments, row{"`" + a.Name + "`", "", "", kind(a), shownDefault(a.HasDefault, a.Default), sentence(a.Help)})
		}
		var own []*kong.Flag
		for _, f := range command.Flags {
			if !isCommon(f.Name) && !f.Hidden {
				own = append(own, f)
			}
		}
		if len(arguments)+len(own) == 0 {
			continue
		}
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
		if err := table(out, own, false, arguments...); err != nil {
			return err
		}
	}
	return nil
}

// row is a line of a table; inFile is left out of tables of what no file has.
type row struct{ name, env, inFile, kind, value, meaning string }

// table writes rows, and those of flags after them.
func table(out io.Writer, all []*kong.Flag, file bool, rows ...row) error {
	for _, f := range all {
		name := "--" + f.Name
		if f.Tag.Negatable != "" {
			name = "--[no-]" + f.Name
		}
		r := row{"`" + name + "`", "", "`" + f.Name + "`", kind(f.Value), shownDefault(f.HasDefault, f.Default), sentence(f.Help)}
		if len(f.Envs) > 0 {
			r.env = "`" + strings.Join(f.Envs, "`, `") + "`"
		}
		if f.IsBool() && !f.HasDefault {
			r.value = "`false`"
		}
		if f.Tag.Has("secret") {
			r.kind += ", secret"
		}
		rows = append(rows, r)
	}
	var w strings.Builder
	if file {
		w.WriteString("| Flag | Environment | In the file | Type | Default | What it does |\n|---|---|---|---|---|---|\n")
	} else {
		w.WriteString("| Flag | Environment | Type | Default | What it does |\n|---|---|---|---|---|\n")
	}
	for _, r := range rows {
		cells := []string{r.name, r.env, r.inFile, r.kind, r.value, inCell(r.meaning)}
		if !file {
			cells = slices.Delete(cells, 2, 3)
		}
		fmt.Fprintf(&w, "| %s |\n", strings.Join(cells, " | "))
	}
	_, err := io.WriteString(out, w.String())
	return err
}

// inCell keeps a text from ending the cell that it is in.
func inCell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}

func shownDefault(has bool, value string) string {
	if !has || value == "" {
		return ""
	}
	return "`" + value + "`"
}

// units are said by what begins with a number's meaning.
var units = regexp.MustCompile(`^(Bytes|Bits a second|Packets a second|Packets|Seconds|Milliseconds)\b`)

// kind says what a value is, and in which unit, if that is not for it to say.
func kind(v *kong.Value) string {
	t := v.Target.Type()
	list := ""
	if t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 {
		list, t = "list of ", t.Elem()
	}
	name := "text"
	switch {
	case t == reflect.TypeFor[time.Duration]():
		name = "duration (`10s`, `5m`)"
	case v.Tag.Type == "existingfile":
		name = "file"
	case v.Tag.Type == "path":
		name = "path"
	case t.Kind() == reflect.Bool:
		name = "`true` or `false`"
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		name = placeholder(v, "word")
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		name = "number"
		if unit := units.FindString(v.Help); unit != "" {
			name += ", " + strings.ToLower(unit)
		}
	default:
		name = placeholder(v, "text")
	}
	return list + name
}

// placeholder is what help shows in place of a value, if that says more than the setting's name.
func placeholder(v *kong.Value, otherwise string) string {
	if v.Tag.PlaceHolder == "" {
		return otherwise
	}
	return "`" + v.Tag.PlaceHolder + "`"
}
