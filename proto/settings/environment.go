package settings

import (
	_ "embed" // variables.txt
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// prefix begins the names of all variables that settings are read from.
const prefix = "CARDEA"

// variables are those of all programs, one a line: they may share their environment. deploy/samples.sh writes it.
//
//go:embed variables.txt
var variables string

// misspelt returns, for each variable of the environment that has the prefix and that no program reads, what is to be said of it, in
// the order of their names. Those that Kubernetes makes of Services are none.
func misspelt(model *kong.Application, environ []string) (said []string) {
	own := []string{prefix + "_CONFIG"}
	for _, flag := range flags(model) {
		own = append(own, flag.Envs...)
	}
	all := append(strings.Fields(variables), own...)
	names := make([]string, 0, len(environ))
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	linked := links(names)
	for _, name := range names {
		if !strings.HasPrefix(name, prefix+"_") || slices.Contains(all, name) || linked(name) {
			continue
		}
		hint := "config reference lists those there are"
		for _, candidates := range [][]string{own, all} {
			if near := Nearest(settingOf(name), settingsOf(candidates)); near != "" {
				hint = "did you mean " + variableOf(near) + "?"
				break
			}
		}
		said = append(said, fmt.Sprintf("%s is no variable of any setting; %s", name, hint))
	}
	return said
}

// settingOf and variableOf turn a variable's name into a setting's, and back.
func settingOf(variable string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, prefix+"_")), "_", "-")
}

func variableOf(setting string) string {
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

func settingsOf(variables []string) []string {
	all := make([]string, len(variables))
	for i, name := range variables {
		all[i] = settingOf(name)
	}
	return all
}

// link is what follows a Service's name in the variables that Kubernetes makes of it.
var link = regexp.MustCompile(`^_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// links tells which of the names Kubernetes makes: those of each Service that has its NAME_SERVICE_HOST among them. Services of a
// release called cardea have our prefix, and pods without enableServiceLinks: false get them.
func links(names []string) func(name string) bool {
	var services []string
	for _, name := range names {
		if service, ok := strings.CutSuffix(name, "_SERVICE_HOST"); ok {
			services = append(services, service)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(services, func(service string) bool {
			rest, ok := strings.CutPrefix(name, service)
			return ok && link.MatchString(rest)
		})
	}
}

// refuseMisspelt is for config check.
func refuseMisspelt(said []string) error {
	var all []error
	for _, text := range said {
		all = append(all, errors.New(text))
	}
	return errors.Join(all...)
}

// warnOfMisspelt is for the start: what nothing reads is no reason to refuse work.
func warnOfMisspelt(said []string, log *slog.Logger) {
	for _, text := range said {
		log.Warn(text)
	}
}
