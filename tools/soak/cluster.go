package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"time"

	processes "github.com/cardea-rtc/cardea/tools/internal/cluster"
)

// cluster is where people live.
type cluster struct{ *processes.Cluster }

const restartAfter = 2 * time.Second // about what container engines take

// startCluster returns when all are ready.
func startCluster(ctx context.Context, s settings) (*cluster, error) {
	c, err := processes.Start(ctx, processes.Options{
		Programs: s.programs, Logs: s.out, Nodes: 2,
		Roomstate: []string{"--session-timeout", "20s", "--reclaim-session-timeout", "10s"},
		Media:     []string{"--drain-timeout", "5s", "--max-peers", strconv.Itoa(s.people)}, // so that one is not enough
	})
	return &cluster{c}, err
}

// kill kills a service now and then, half of the times without a word, and starts it again, until ctx ends. All are up when it
// returns.
func (c *cluster) kill(ctx context.Context, draw *rand.Rand, mean time.Duration, taken *tally) {
	for pause(ctx, time.Duration((0.5+draw.Float64())*float64(mean))) == nil {
		p := c.Services[draw.IntN(len(c.Services))]
		how, word := os.Signal(syscall.SIGKILL), "killed"
		if draw.IntN(2) == 0 {
			how, word = syscall.SIGTERM, "restarted"
		}
		taken.add(word)
		fmt.Fprintf(os.Stderr, "%s: %s is %s\n", time.Now().Format(time.TimeOnly), p.Name, word)
		p.Stop(how)
		_ = pause(context.WithoutCancel(ctx), restartAfter)
		if err := p.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}
