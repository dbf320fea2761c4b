// Command soak has people come and go in a cluster of processes, and processes be killed, at random by a seed. In the end all
// leave, and each process, Redis and NATS must be back where they began, or soak says what is not and ends with 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// settings are what there is to set.
type settings struct {
	duration, warm, settle, every, kills time.Duration
	seed                                 uint64
	people                               int
	programs, out                        string
}

func main() {
	var s settings
	flag.DurationVar(&s.duration, "duration", time.Hour, "how long people come and go")
	flag.DurationVar(&s.warm, "warm", 30*time.Second, "how long they do before the beginning is measured, so that pools and connections are there")
	flag.DurationVar(&s.settle, "settle", 3*time.Minute, "how long everything may take to be back in the end")
	flag.DurationVar(&s.every, "every", 10*time.Second, "time between samples")
	flag.DurationVar(&s.kills, "kills", time.Minute, "mean time between kills of a process; 0 for none")
	flag.Uint64Var(&s.seed, "seed", 1, "the same seed has people decide the same")
	flag.IntVar(&s.people, "people", 12, "people at a time")
	flag.StringVar(&s.programs, "programs", "bin", "folder of the services' programs")
	flag.StringVar(&s.out, "out", "artifacts/soak", "folder for plots, a table and logs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	left, err := run(ctx, s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	for _, sentence := range left {
		fmt.Println(sentence)
	}
	if len(left) > 0 {
		os.Exit(1)
	}
	fmt.Println("everything is back where it began")
}

// run returns a sentence for each that is not back where it began.
func run(ctx context.Context, s settings) ([]string, error) {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return nil, err
	}
	c, err := startCluster(ctx, s)
	if err != nil {
		return nil, err
	}
	defer c.End()
	var taken tally
	fmt.Printf("seed %d: %d people warm up for %v\n", s.seed, s.people, s.warm)
	c.crowd(ctx, s.people, s.warm, s.seed, &tally{})
	if err := pause(ctx, remembered); err != nil {
		return nil, err
	}
	began, err := c.quiet(ctx, s.settle, nil)
	if err != nil {
		return nil, err
	}
	all := []sample{began}
	fmt.Printf("people come and go for %v\n", s.duration)

	var wg sync.WaitGroup
	sampling, stop := context.WithCancel(ctx)
	wg.Go(func() {
		for pause(sampling, s.every) == nil {
			if one, err := c.sample(sampling); err == nil { // a process that was killed shows nothing for a moment
				all = append(all, one)
			}
		}
	})
	var kills sync.WaitGroup
	killing, stopKills := context.WithTimeout(ctx, s.duration)
	if s.kills > 0 {
		kills.Go(func() { c.kill(killing, rand.New(rand.NewPCG(s.seed, 1)), s.kills, &taken) })
	}
	c.crowd(ctx, s.people, s.duration, s.seed+1, &taken)
	stopKills()
	kills.Wait()
	fmt.Println("all have left;", taken.String())
	_ = pause(ctx, remembered) // what is only kept for a while must not hide what is left
	ended, err := c.quiet(ctx, s.settle, func(now sample) bool { return len(compare(began, now, taken.ends())) == 0 })
	stop()
	wg.Wait()
	if err != nil {
		return nil, err
	}
	all = append(all, ended)
	if err := os.WriteFile(filepath.Join(s.out, "soak.svg"), draw(all), 0o644); err != nil {
		return nil, err
	}
	text := table(began, all, ended)
	fmt.Print(text)
	if err := os.WriteFile(filepath.Join(s.out, "soak.txt"), []byte(taken.String()+"\n"+text), 0o644); err != nil {
		return nil, err
	}
	left := compare(began, ended, taken.ends())
	if taken.done("published") == 0 || taken.done("claimed") == 0 || taken.done("subscribed") == 0 {
		left = append(left, "nobody published, subscribed, or claimed a session: this run says nothing")
	}
	return left, ctx.Err()
}

// remembered is how long Redis has the answers to requests, and what was told in sessions that have ended, and somewhat more.
const remembered = 100 * time.Second

// pause waits, and fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
