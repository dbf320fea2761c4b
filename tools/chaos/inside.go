package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/client"
	"github.com/cardea-rtc/cardea/tools/chaos/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/chaos/internal/endpoint"
)

// inside is the whole run, in the clients' namespace.
func inside(ctx context.Context, cfg *config) (err error) {
	network, err := cluster.Inside(cfg.Inside)
	if err != nil {
		return err
	}
	logs := filepath.Join(cfg.Out, "logs")
	if err := errors.Join(os.RemoveAll(logs), os.MkdirAll(logs, 0o755)); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "chaos")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	clientLog, err := os.Create(filepath.Join(logs, "clients.log"))
	if err != nil {
		return err
	}
	defer func() { _ = clientLog.Close() }()
	certificate, err := endpoint.NewCertificate()
	if err != nil {
		return err
	}
	r := &run{
		cfg: cfg, settings: cluster.Settings{Network: network, Programs: cfg.Programs, Dir: dir, Logs: logs, NATS: 1},
		log: slog.New(slog.NewTextHandler(clientLog, nil)), certificate: certificate, chance: rand.New(rand.NewPCG(cfg.Seed, 0)),
		lag: &lag{},
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go r.lag.watch(watching)
	faults, err := chosen(cfg)
	if err != nil {
		return err
	}
	fmt.Printf("seed %d\n", cfg.Seed)
	err = r.all(ctx, faults)
	r.end()
	return errors.Join(err, r.show())
}

// people are all who are in calls.
func (r *run) people() []client.Client { return r.call.all() }
