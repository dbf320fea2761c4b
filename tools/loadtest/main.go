// Command loadtest puts a conference server under load and tells how it bears it. It speaks the plain Janus API over
// WebSocket, so it can be pointed at any server that has VideoRoom.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/cardea-rtc/cardea/proto/settings"
)

func main() {
	if err := mainErr(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

func mainErr(args []string) error {
	var cfg config
	const about = "Puts a Janus-speaking conference server under load, and tells what is delivered, how late, and at what cost."
	if err := settings.Parse(&cfg, "loadtest", about, "1", args); err != nil {
		return err
	}
	if err := cfg.check(); err != nil {
		return err
	}
	processes, err := cfg.processes()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // asked a second time, end at once
	result, err := measure(ctx, &cfg, processes, os.Stderr)
	if err != nil {
		return err
	}
	if err := result.Print(os.Stdout); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	if cfg.JSON == "" {
		return nil
	}
	return result.WriteFile(cfg.JSON)
}
