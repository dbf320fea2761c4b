// Command chaos has services, stores and links fail while people are in calls, one fault after another and then at random, and
// says what the people saw of each: docs/failures.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// config is what can be set; the tags are its documentation.
type config struct {
	Programs string        `help:"Folder of the services' programs." type:"path" required:""`
	Out      string        `help:"Folder for the table, the figures and the logs." default:"." type:"path"`
	Only     []string      `help:"Which faults, of ${faults}; or parts of their names. Default: all, one after another, then some at random." placeholder:"NAME"`
	Seed     uint64        `help:"Of what happens at random. 0 for one by the clock." default:"0"`
	Random   int           `help:"How many faults at random follow those in turn." default:"6"`
	Times    int           `help:"How often those in turn are gone through. If more than once, the first row that is broken ends the run, and so its logs." default:"1"`
	Long     time.Duration `help:"How long stores are away." default:"30s"`
	Browser  bool          `help:"Have Chromium in a call too, with Janus's demo page." default:"true" negatable:""`

	Ahead bool `help:"Run all with precedence over other programs of the machine."`

	Inside string `hidden:"" help:"Namespace that this process is in."`
}

// errBroken means that a limit is broken: the table says which.
var errBroken = errors.New("a limit is broken")

func main() {
	if err := mainErr(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func mainErr(args []string) error {
	var cfg config
	parser, err := kong.New(&cfg, kong.Name("chaos"), kong.DefaultEnvars("CHAOS"), kong.Vars{"faults": strings.Join(names(allFaults(0)), ", ")},
		kong.Description("Calls while services fail: needs root, nats-server, redis-server, iproute2, iptables, and Chromium with janus-demos."))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	if cfg.Seed == 0 {
		cfg.Seed = uint64(time.Now().UnixNano())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if cfg.Inside == "" {
		return outside(ctx, &cfg, args)
	}
	return inside(ctx, &cfg)
}
