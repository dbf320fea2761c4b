// Command links shows how calls bear bad links: a browser watches a camera that another browser sends in three layers,
// through Janus and through Cardea in turn, behind a link that loses, delays or throttles packets by a script. It prints a
// table, and draws what was seen over time.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// config is what can be set; the tags are its documentation.
type config struct {
	Janus   string   `help:"Janus's program." default:"janus"`
	Cardea  string   `help:"Cardea's standalone." placeholder:"FILE"`
	Scripts []string `help:"Which to run, of ${scripts}." default:"${scripts}"`
	Rounds  int      `help:"How often each is run." default:"1"`
	Seed    uint64   `help:"Of what is lost." default:"1"`
	Out     string   `help:"Folder for the table, the drawings and the samples." default:"." type:"path"`
	Drive   bool     `hidden:""`
	Cut     float64  `help:"Share of each script's time to run: to see that all works, not to be believed." default:"1"`
}

func main() {
	if err := mainErr(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "links:", err)
		os.Exit(1)
	}
}

func mainErr(args []string) error {
	var cfg config
	parser, err := kong.New(&cfg, kong.Name("links"), kong.DefaultEnvars("LINKS"), kong.Vars{"scripts": scriptNames()},
		kong.Description("Calls through Janus and Cardea behind bad links, as browsers see them."))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	if cfg.Drive {
		return drive(os.Stdin, os.Stdout)
	}
	if cfg.Cardea == "" {
		return errors.New("--cardea: which program is it?")
	}
	for _, name := range cfg.Scripts {
		if !slices.ContainsFunc(allScripts, func(s script) bool { return s.Name == name }) {
			return fmt.Errorf("--scripts %s: there are %s", name, scriptNames())
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, &cfg)
}

func scriptNames() string {
	var names []string
	for _, s := range allScripts {
		names = append(names, s.Name)
	}
	return strings.Join(names, ",")
}
