// Command signaling runs an edge.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/signaling"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "signaling:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var cfg signaling.Config
	if err := settings.Parse(&cfg, "signaling", "The edge of Cardea: the Janus API over WebSocket and HTTP.", signaling.Version, args); err != nil {
		return err
	}
	cfg.Level = new(slog.LevelVar)
	cfg.Level.Set(cfg.LogLevel)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return signaling.Run(ctx, cfg, log)
}
