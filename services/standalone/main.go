// Command standalone is all of Cardea in one process: for a first look, for development, and for one machine that is
// enough.
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

// version is set when images are built.
var version = "dev"

func main() {
	media.SaveMemory()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "standalone:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	cfg := config{level: new(slog.LevelVar)}
	if err := settings.Parse(&cfg, "standalone", "Cardea in one process, with a page to try it on.", version, args); err != nil {
		return err
	}
	cfg.level.Set(cfg.LogLevel)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if cfg.PageOnly {
		return servePage(ctx, cfg, log)
	}
	return serveAll(ctx, cfg, log)
}
