// Command roomstate runs one replica of the service that knows sessions and rooms.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "roomstate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var cfg roomstate.Config
	if err := settings.Parse(&cfg, "roomstate", "One replica of Cardea's keeper of sessions and rooms.", roomstate.Version, args); err != nil {
		return err
	}
	cfg.Level = new(slog.LevelVar)
	cfg.Level.Set(cfg.LogLevel)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return roomstate.Run(ctx, cfg, log)
}
