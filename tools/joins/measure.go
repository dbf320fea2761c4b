package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/tools/janus"
)

// settle is how long a server is left alone before its memory is read.
const settle = 3 * time.Second

// outcome is what one round found of a server.
type outcome struct {
	sessionKiB float64 // resident memory of who holds the sockets, for each
	allKiB     float64 // of all processes together
	joins      []joinOutcome
}

// joinOutcome is of one kind of rooms.
type joinOutcome struct {
	perSecond float64
	cpuMs     float64   // of a join, all processes together
	parts     []float64 // of each of them, the edge being the first
	events    int64     // that others were told
}

// crowd is a kind of rooms.
type crowd struct {
	name         string
	rooms, each  int
	tellsJoining bool
}

func crowds(cfg config) []crowd {
	all := []crowd{
		{"rooms of 10", cfg.Rooms, 10, false},
		{fmt.Sprintf("a room of %d", cfg.Crowd), 1, cfg.Crowd, false},
	}
	for _, size := range []int{10, 30, 100, 200} {
		if size < cfg.Crowd {
			all = append(all, crowd{fmt.Sprintf("rooms of %d, everybody told", size), max(1, cfg.Rooms*10/size), size, true})
		}
	}
	return append(all, crowd{fmt.Sprintf("a room of %d, everybody told", cfg.Crowd), 1, cfg.Crowd, true})
}

func measure(ctx context.Context, cfg config, s *server) (*outcome, error) {
	o := new(outcome)
	if err := o.memory(ctx, cfg, s); err != nil {
		return nil, fmt.Errorf("%s: sessions: %w", s.name, err)
	}
	for _, c := range crowds(cfg) {
		joined, err := join(ctx, cfg, s, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.name, c.name, err)
		}
		o.joins = append(o.joins, joined)
	}
	return o, nil
}

// memory opens sessions and leaves them alone.
func (o *outcome) memory(ctx context.Context, cfg config, s *server) error {
	warm, err := open(ctx, cfg, s, 50) // what is made once
	defer closeAll(warm)
	if err != nil {
		return err
	}
	time.Sleep(settle)
	before, err := s.usage()
	if err != nil {
		return err
	}
	all, err := open(ctx, cfg, s, cfg.Sessions)
	defer closeAll(all)
	if err != nil {
		return err
	}
	time.Sleep(settle)
	after, err := s.usage()
	if err != nil {
		return err
	}
	for i := range after {
		grown := (float64(after[i].RSSBytes) - float64(before[i].RSSBytes)) / 1024 / float64(cfg.Sessions)
		if i == 0 {
			o.sessionKiB = grown
		}
		o.allKiB += grown
	}
	return nil
}

func join(ctx context.Context, cfg config, s *server, c crowd) (joinOutcome, error) {
	var o joinOutcome
	all, err := open(ctx, cfg, s, c.rooms*c.each)
	defer closeAll(all)
	if err != nil {
		return o, err
	}
	first := rand.Uint64N(1 << 40)
	for i := range c.rooms {
		err := all[i].message(ctx, janus.Object{
			"request": "create", "room": first + uint64(i), "publishers": c.each, "notify_joining": c.tellsJoining,
		})
		if err != nil {
			return o, err
		}
	}
	time.Sleep(settle) // who was in the rooms before may still be seen off
	idle, err := s.usage()
	if err != nil {
		return o, err
	}
	time.Sleep(settle)
	heard := events.Load()
	before, err := s.usage()
	if err != nil {
		return o, err
	}
	began := time.Now()
	// Those of a room do not come one after another.
	err = each(ctx, cfg.Workers, len(all), func(i int) error {
		return all[i].message(ctx, janus.Object{
			"request": "join", "ptype": "publisher", "room": first + uint64(i%c.rooms), "display": fmt.Sprint("guest ", i),
		})
	})
	if err != nil {
		return o, err
	}
	took := time.Since(began)
	time.Sleep(settle) // events to others may still be under way
	waited := time.Since(began)
	after, err := s.usage()
	if err != nil {
		return o, err
	}
	o.perSecond = float64(len(all)) / took.Seconds()
	for i := range after {
		// What the process does although nobody joins is no part of a join.
		anyway := (before[i].CPU - idle[i].CPU).Seconds() / settle.Seconds() * waited.Seconds()
		ms := max(0, (after[i].CPU-before[i].CPU).Seconds()-anyway) * 1000 / float64(len(all))
		o.parts = append(o.parts, ms)
		o.cpuMs += ms
	}
	if o.events = events.Load() - heard; c.tellsJoining && o.events != told(c) {
		return o, fmt.Errorf("%d events about those who joined, and there should be %d", o.events, told(c))
	}
	return o, nil
}

// told is how many events there are about those who join, if everybody is told.
func told(c crowd) int64 { return int64(c.rooms) * int64(c.each) * int64(c.each-1) / 2 }

// events is what all clients have heard without having asked.
var events atomic.Int64

func open(ctx context.Context, cfg config, s *server, n int) ([]*client, error) {
	all := make([]*client, n)
	err := each(ctx, cfg.Workers, n, func(i int) (err error) {
		all[i], err = dial(ctx, s.url, &events)
		return err
	})
	return all, err
}

func closeAll(all []*client) {
	for _, c := range all {
		if c != nil {
			c.close()
		}
	}
}

// each calls f for 0 to n-1, some at a time, until one fails.
func each(ctx context.Context, workers, n int, f func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return
				}
				if err := f(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
