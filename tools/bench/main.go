package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	if err := mainErr(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func mainErr(args []string) error {
	var cfg config
	parser, err := kong.New(&cfg, kong.Name("bench"), kong.DefaultEnvars("BENCH"), kong.Vars{"scenarios": scenarioNames()},
		kong.Description("Cardea beside Janus: the same load on each in turn, over a pair of network namespaces."))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	if err := cfg.check(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := open(&cfg)
	if err != nil {
		return err
	}
	err = b.run(ctx)
	return errors.Join(err, b.close())
}
