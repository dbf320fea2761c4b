package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cardea-rtc/cardea/tools/internal/machine"
)

// kind is a server that is measured.
type kind struct {
	name  string
	start func(context.Context, config, string) (*server, error)
}

func run(ctx context.Context, cfg config) error {
	if cfg.Pin && runtime.NumCPU() > 1 {
		var others unix.CPUSet
		for core := 1; core < runtime.NumCPU(); core++ {
			others.Set(core)
		}
		if err := unix.SchedSetaffinity(0, &others); err != nil {
			return fmt.Errorf("keep to other cores: %w", err)
		}
	}
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "[%4.0f s] %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	servers := []kind{{"Janus", startJanus}, {"Cardea", startCardea}}
	servers = slices.DeleteFunc(servers, func(k kind) bool { return cfg.Only != "" && !strings.EqualFold(k.name, cfg.Only) })
	found := map[string][]*outcome{}
	parts := []string{}
	for round := range cfg.Rounds {
		for i := range servers {
			one := servers[(i+round)%len(servers)]
			say("round %d/%d, %s", round+1, cfg.Rounds, one.name)
			o, names, err := once(ctx, cfg, one.start)
			if err != nil {
				return err
			}
			if one.name == "Cardea" {
				parts = names
			}
			found[one.name] = append(found[one.name], o)
			say("round %d/%d, %s: %.1f KiB a session; joins a second %s", round+1, cfg.Rounds, one.name, o.sessionKiB, rates(o))
		}
	}
	if cfg.Only != "" {
		return nil
	}
	text := table(cfg, found, parts)
	fmt.Println(text)
	if cfg.Plot != "" {
		if err := os.WriteFile(cfg.Plot, draw(cfg, found, parts), 0o644); err != nil {
			return err
		}
	}
	if cfg.Markdown != "" {
		return os.WriteFile(cfg.Markdown, []byte(machine.This(cfg.Janus).String()+fmt.Sprintf(". %d rounds; median.\n\n", cfg.Rounds)+text), 0o644)
	}
	return nil
}

func once(ctx context.Context, cfg config, start func(context.Context, config, string) (*server, error)) (*outcome, []string, error) {
	dir, err := os.MkdirTemp("", "joins")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := start(ctx, cfg, dir)
	if s != nil {
		defer s.stop()
	}
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, p := range s.parts {
		names = append(names, p.name)
	}
	o, err := measure(ctx, cfg, s)
	return o, names, err
}

func rates(o *outcome) string {
	var all []string
	for _, j := range o.joins {
		all = append(all, fmt.Sprintf("%.0f (%.2f ms)", j.perSecond, j.cpuMs))
	}
	return strings.Join(all, ", ")
}

// table is what was found, as Markdown.
func table(cfg config, found map[string][]*outcome, parts []string) string {
	var b strings.Builder
	janus, cardea := found["Janus"], found["Cardea"]
	both := func(format string, of func(*outcome) float64) string {
		return fmt.Sprintf(format+" / "+format, median(janus, of), median(cardea, of))
	}
	fmt.Fprintf(&b, "| Janus / Cardea | joins a second | CPU ms a join | ratio | of Cardea's: %s |\n|---|---|---|---|---|\n", strings.Join(parts, ", "))
	for i, c := range crowds(cfg) {
		cpu := func(o *outcome) float64 { return o.joins[i].cpuMs }
		var each []string
		for p := range parts {
			each = append(each, fmt.Sprintf("%.2f", median(cardea, func(o *outcome) float64 { return o.joins[i].parts[p] })))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | **%.2f** | %s |\n", c.name, both("%.0f", func(o *outcome) float64 { return o.joins[i].perSecond }),
			both("%.2f", cpu), median(cardea, cpu)/median(janus, cpu), strings.Join(each, ", "))
	}
	fmt.Fprintf(&b, "\nAn idle session with a handle and a WebSocket: KiB at who holds the socket %s; in all processes %s.\n",
		both("%.1f", func(o *outcome) float64 { return o.sessionKiB }), both("%.1f", func(o *outcome) float64 { return o.allKiB }))
	return b.String()
}

func median(all []*outcome, of func(*outcome) float64) float64 {
	var values []float64
	for _, o := range all {
		values = append(values, of(o))
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}
