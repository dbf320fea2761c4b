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

const about = "One replica of Cardea's keeper of sessions and rooms. " +
	"Or: roomstate read-jcfg FILE... says what the settings of a Janus server are here (janus.jcfg, janus.plugin.videoroom.jcfg)."

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "roomstate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 && args[0] == "read-jcfg" {
		return readJCFG(args[1:], os.Stdout)
	}
	var cfg roomstate.Config
	if err := settings.Parse(&cfg, "roomstate", about, roomstate.Version, args); err != nil {
		return err
	}
	cfg.Level = new(slog.LevelVar)
	cfg.Level.Set(cfg.LogLevel)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return roomstate.Run(ctx, cfg, log)
}
