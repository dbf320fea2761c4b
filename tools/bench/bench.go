package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/lab"
	"github.com/cardea-rtc/cardea/tools/internal/machine"
	"github.com/cardea-rtc/cardea/tools/internal/report"
)

// The networks of RFC 2544, section C.2.2, are for measuring.
var (
	serverAddress = netip.MustParsePrefix("198.18.0.1/24")
	loadAddress   = netip.MustParsePrefix("198.18.0.2/24")
)

// The servers, in the order of tables.
const (
	janus = iota
	cardea
	servers
)

var serverNames = [servers]string{"janus", "cardea"}

// bench is one run of everything.
type bench struct {
	cfg          *config
	lab          *lab.Lab
	server, load *lab.Namespace
	dir          string
	out          io.Writer // for people
	began        time.Time
	outcome      outcome
}

// outcome is all that was measured.
type outcome struct {
	Machine   machine.Machine  `json:"machine"`
	Seconds   float64          `json:"measured_seconds"` // of each run
	Paced     bool             `json:"paced"`
	Offload   bool             `json:"offload"`
	Steer     bool             `json:"steer"`
	Scenarios []*scenarioRuns  `json:"scenarios"`
	Floor     []*floor         `json:"floor"` // of each round
	Ceiling   [servers][]*step `json:"ceiling"`
}

// scenarioRuns are the rounds of a scenario.
type scenarioRuns struct {
	scenario
	Rounds [][servers]*report.Report `json:"rounds"`
}

func open(cfg *config) (b *bench, err error) {
	if runtime.NumCPU() <= max(cfg.ServerCore, cfg.LoadCore) {
		return nil, fmt.Errorf("needs core %d: this machine has %d", max(cfg.ServerCore, cfg.LoadCore), runtime.NumCPU())
	}
	b = &bench{cfg: cfg, out: os.Stdout, began: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return nil, err
	}
	if b.lab, err = lab.New("cardea-bench"); err != nil {
		return nil, err
	}
	if b.server, err = b.lab.Namespace("server"); err != nil {
		return nil, err
	}
	if b.load, err = b.lab.Namespace("load"); err != nil {
		return nil, err
	}
	serverEnd := lab.End{In: b.server, Name: "server", Address: serverAddress, Core: -1}
	loadEnd := lab.End{In: b.load, Name: "load", Address: loadAddress, Core: -1}
	if cfg.Steer {
		loadEnd.Core = cfg.LoadCore
		serverEnd.Cuts = !cfg.Offload
	}
	if err := b.lab.Connect(serverEnd, loadEnd); err != nil {
		return nil, err
	}
	b.outcome = outcome{Machine: machine.This(cfg.Janus), Seconds: cfg.Duration.Seconds(), Paced: cfg.Paced, Offload: cfg.Offload, Steer: cfg.Steer}
	for _, name := range cfg.Scenarios {
		for _, s := range scenarios {
			if s.Name == name {
				b.outcome.Scenarios = append(b.outcome.Scenarios, &scenarioRuns{scenario: s})
			}
		}
	}
	return b, nil
}

func (b *bench) close() error {
	var err error
	if b.lab != nil {
		err = b.lab.Close()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

// run measures, shows and judges.
func (b *bench) run(ctx context.Context) error {
	if b.cfg.Profiles != "" {
		return b.profile(ctx)
	}
	b.say("about %s in all: %d scenarios, %d rounds of both servers", b.expected().Round(10*time.Second), len(b.outcome.Scenarios), b.cfg.Rounds)
	if err := b.rounds(ctx); err != nil {
		return err
	}
	if b.cfg.Ceiling {
		if err := b.ceilings(ctx); err != nil {
			return err
		}
	}
	return b.show()
}

func (b *bench) rounds(ctx context.Context) error {
	for round := range b.cfg.Rounds {
		if b.cfg.Floor != "" {
			b.say("round %d/%d, floor", round+1, b.cfg.Rounds)
			f, err := b.measureFloor(ctx)
			if err != nil {
				return err
			}
			b.outcome.Floor = append(b.outcome.Floor, f)
		}
		for _, s := range b.outcome.Scenarios {
			var pair [servers]*report.Report
			for i := range servers {
				which := (i + round) % servers // neither is always first
				r, err := b.measure(ctx, which, s.scenario, b.cfg.Duration)
				if err != nil {
					return err
				}
				pair[which] = r
				b.say("round %d/%d, %s, %s: %s", round+1, b.cfg.Rounds, s.about(), serverNames[which], brief(r))
			}
			s.Rounds = append(s.Rounds, pair)
		}
	}
	return nil
}

// profile has Cardea alone profile itself in each scenario.
func (b *bench) profile(ctx context.Context) error {
	for _, s := range b.outcome.Scenarios {
		r, err := b.measure(ctx, cardea, s.scenario, b.cfg.Duration)
		if err != nil {
			return err
		}
		b.say("%s: %s", s.about(), brief(r))
		for _, kind := range []string{"cpu", "allocs"} {
			profile, err := os.ReadFile(filepath.Join(b.dir, kind+".pprof"))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(b.cfg.Profiles, kind+"-"+s.Name+".pprof"), profile, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// expected is about how long all takes.
func (b *bench) expected() (d time.Duration) {
	for _, s := range b.outcome.Scenarios {
		d += servers * s.expected(b.cfg.Duration)
	}
	if b.cfg.Floor != "" {
		d += 8 * floorTime
	}
	d *= time.Duration(b.cfg.Rounds)
	if b.cfg.Ceiling {
		d += servers * maxSteps * (ceilingTime + 20*time.Second)
	}
	return d
}

// measure starts a server, puts it under load, and stops it.
func (b *bench) measure(ctx context.Context, which int, s scenario, d time.Duration) (*report.Report, error) {
	server, err := b.start(which)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	file := filepath.Join(b.dir, "report.json")
	args := []string{
		"--url", server.URL, "--wait", "10s", "--process", fmt.Sprintf("%s=%d", serverNames[which], server.PID), "--json", file,
		"--rooms", fmt.Sprint(s.Rooms), "--publishers", fmt.Sprint(s.Publishers), "--subscribers", fmt.Sprint(s.Subscribers),
		"--joins-per-second", fmt.Sprint(joinsPerSecond), "--duration", d.String(), "--core", fmt.Sprint(b.cfg.ServerCore),
		"--video-bitrate", fmt.Sprint(videoBitrate),
	}
	if !s.Video {
		args[len(args)-1] = "0"
	}
	if b.cfg.Paced {
		args = append(args, "--paced")
	}
	if b.cfg.Offload {
		args = append(args, "--whole-runs")
	}
	if server.Ops != "" {
		args = append(args, "--ops", server.Ops)
	}
	if b.cfg.Profiles != "" {
		args = append(args, "--profiles", b.dir)
	}
	out, err := b.wait(ctx, b.load.Command(b.cfg.LoadCore, b.cfg.Load, args...), s.expected(d)*2+time.Minute)
	if err != nil {
		return nil, fmt.Errorf("%s, load on %s: %w\n%s\nthe server's log ends:\n%s", s.about(), serverNames[which], err, out, server.Log())
	}
	r, err := report.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(r.Processes) != 1 || r.Processes[0].Gone {
		return nil, fmt.Errorf("%s: %s ended under load; its log ends:\n%s", s.about(), serverNames[which], server.Log())
	}
	return r, nil
}

func (b *bench) start(which int) (*lab.Server, error) {
	place := lab.Place{In: b.server, Core: b.cfg.ServerCore, Address: serverAddress.Addr(), Dir: b.dir}
	if which == janus {
		return lab.StartJanus(place, b.cfg.Janus)
	}
	return lab.StartCardea(place, b.cfg.Cardea)
}

// wait runs a command until it ends, ctx ends or a time has passed, and returns the end of what it wrote.
func (b *bench) wait(ctx context.Context, cmd *exec.Cmd, limit time.Duration) (string, error) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	if err := cmd.Wait(); err != nil {
		text := out.String()
		return text[max(len(text)-2000, 0):], errors.Join(err, ctx.Err())
	}
	return out.String(), nil
}

// say writes a line of progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "[%4.0f s] %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// show prints the tables, writes the files, and returns an error if a limit was not kept.
func (b *bench) show() error {
	text, broken := b.outcome.markdown()
	fmt.Fprint(b.out, "\n", text)
	if b.cfg.Markdown != "" {
		if err := os.WriteFile(b.cfg.Markdown, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if b.cfg.JSON != "" {
		j, err := json.MarshalIndent(b.outcome, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.cfg.JSON, append(j, '\n'), 0o644); err != nil {
			return err
		}
	}
	if len(broken) > 0 {
		return fmt.Errorf("not all limits were kept:\n%s", strings.Join(broken, "\n"))
	}
	return nil
}
