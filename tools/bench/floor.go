package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// floorTime is of one way to send.
const floorTime = 2 * time.Second

// floor is what a packet costs at least, in CPU µs, by way of sending; see tools/floor.
type floor struct {
	Sendto     costs `json:"sendto"`
	Sendmmsg   costs `json:"sendmmsg"`
	Segmented  costs `json:"segmented"`
	Encryption costs `json:"encryption"` // that part of each
}

// costs are without a pause, and at the pace of video.
type costs struct {
	FlatOut float64 `json:"flat_out"`
	Paced   float64 `json:"paced"`
}

// measureFloor sends from the server's core to the load's side.
func (b *bench) measureFloor(ctx context.Context) (*floor, error) {
	args := []string{"--sink"}
	if b.cfg.Offload {
		args = append(args, "--whole-runs")
	}
	sink := b.load.Command(b.cfg.LoadCore, b.cfg.Floor, args...)
	if err := sink.Start(); err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	defer func() {
		_ = sink.Process.Kill()
		_ = sink.Wait()
	}()
	time.Sleep(500 * time.Millisecond) // until it listens; what finds nobody is no error
	out, err := b.wait(ctx, b.server.Command(b.cfg.ServerCore, b.cfg.Floor, "--to", loadAddress.Addr().String(), "--duration", floorTime.String()), time.Minute)
	if err != nil {
		return nil, fmt.Errorf("floor: %w: %s", err, strings.TrimSpace(out))
	}
	f := &floor{}
	if err := json.Unmarshal([]byte(out), f); err != nil {
		return nil, fmt.Errorf("floor: %w: %q", err, out)
	}
	return f, nil
}
