// Command media runs a media node.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/media"
)

func main() {
	media.SaveMemory()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "media:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var cfg media.Config
	if err := settings.Parse(&cfg, "media", "A media node of Cardea: receives from publishers, forwards to subscribers.", media.Version, args); err != nil {
		return err
	}
	cfg.Level = new(slog.LevelVar)
	cfg.Level.Set(cfg.LogLevel)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return media.Run(ctx, cfg, log)
}
