package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/emulator"
	"github.com/cardea-rtc/cardea/tools/internal/lab"
	"github.com/cardea-rtc/cardea/tools/internal/machine"
)

// The networks of RFC 2544, section C.2.2, are for measuring: the camera's link to the server, and the viewer's.
var (
	cameraServer = netip.MustParsePrefix("198.18.0.1/24")
	camera       = netip.MustParsePrefix("198.18.0.2/24")
	viewerServer = netip.MustParsePrefix("198.18.1.1/24")
	viewer       = netip.MustParsePrefix("198.18.1.2/24")
)

var serverNames = [...]string{"janus", "cardea"}

const (
	settleTime   = 12 * time.Second // of a good link, until all layers are sent and the best is seen
	overhead     = 15 * time.Second // for a server and browsers to start and end
	startTimeout = 20 * time.Second
)

// bench is one run of everything.
type bench struct {
	cfg                    *config
	lab                    *lab.Lab
	server, camera, viewer *lab.Namespace
	dir                    string
	began                  time.Time
}

func run(ctx context.Context, cfg *config) (err error) {
	b := &bench{cfg: cfg, began: time.Now()}
	if b.lab, err = lab.New("cardea-links"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.lab.Close()) }()
	if b.dir, err = os.MkdirTemp("", "links"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	for _, n := range []struct {
		name string
		to   **lab.Namespace
	}{{"server", &b.server}, {"camera", &b.camera}, {"viewer", &b.viewer}} {
		if *n.to, err = b.lab.Namespace(n.name); err != nil {
			return err
		}
	}
	err = b.lab.Connect(lab.End{In: b.server, Name: "camera", Address: cameraServer, Core: -1}, lab.End{In: b.camera, Name: "server", Address: camera, Core: -1})
	if err != nil {
		return err
	}
	return b.measureAll(ctx)
}

func (b *bench) measureAll(ctx context.Context) error {
	var chosen []script
	var expected time.Duration
	for _, s := range allScripts {
		for _, name := range b.cfg.Scripts {
			if s.Name == name {
				chosen = append(chosen, s.cut(b.cfg.Cut))
				expected += time.Duration(len(serverNames)*b.cfg.Rounds) * (s.cut(b.cfg.Cut).duration() + settleTime + overhead)
			}
		}
	}
	b.say("about %s in all", expected.Round(10*time.Second))
	var all []*series
	for round := range b.cfg.Rounds {
		for _, s := range chosen {
			for i := range serverNames {
				which := (i + round) % len(serverNames) // neither is always first
				got, err := b.measure(ctx, serverNames[which], s)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.Name, serverNames[which], err)
				}
				b.say("round %d/%d, %s, %s: %s", round+1, b.cfg.Rounds, s.Name, got.Server, got.brief())
				all = append(all, got)
			}
		}
	}
	return b.show(chosen, all)
}

// series is what a viewer saw through a server.
type series struct {
	Server   string            `json:"server"`
	Script   string            `json:"script"`
	Before   []layer           `json:"before"` // what the camera had sent when the script began, by layer
	After    []layer           `json:"after"`  // and when it ended
	Down, Up emulator.Counters `json:"-"`
	Samples  []sample          `json:"samples"` // times are from the script's beginning
	script   script
}

// measure has one viewer watch one camera through a server while the script runs.
func (b *bench) measure(ctx context.Context, name string, s script) (*series, error) {
	tunnel, err := emulator.NewTunnel("viewer", "client", b.cfg.Seed)
	if err != nil {
		return nil, err
	}
	defer tunnel.Close()
	if err := b.server.Adopt("viewer", viewerServer); err != nil {
		return nil, err
	}
	if err := b.viewer.Adopt("client", viewer); err != nil {
		return nil, err
	}
	var carrying sync.WaitGroup
	defer carrying.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	carrying.Go(func() { tunnel.Run(ctx) })

	server, err := b.start(name)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	sender, err := openTab(b.camera)
	if err != nil {
		return nil, err
	}
	defer sender.close()
	watcher, err := openTab(b.viewer)
	if err != nil {
		return nil, err
	}
	defer watcher.close()
	if err := b.call(sender, watcher); err != nil {
		return nil, fmt.Errorf("%w; the server's log ends:\n%s", err, server.Log())
	}
	if !sleep(ctx, settleTime) {
		return nil, ctx.Err()
	}
	got := &series{Server: name, Script: s.Name, script: s}
	if err := sender.eval(&got.Before, "layers()"); err != nil {
		return nil, err
	}
	began := time.Now()
	for _, p := range s.Steps {
		tunnel.Set(p.Down, p.Up)
		if !sleep(ctx, p.For) {
			return nil, ctx.Err()
		}
	}
	got.Down, got.Up = tunnel.Counters()
	tunnel.Set(emulator.Conditions{}, emulator.Conditions{})
	if err := sender.eval(&got.After, "layers()"); err != nil {
		return nil, err
	}
	if err := watcher.eval(&got.Samples, "samples"); err != nil {
		return nil, err
	}
	got.from(began)
	return got, nil
}

// call has one tab send, and the other watch that, each by the server's address on its own link.
func (b *bench) call(sender, watcher *tab) error {
	var nothing any
	if err := sender.eval(&nothing, "publish('ws://%s:8188/')", cameraServer.Addr()); err != nil {
		return err
	}
	if err := watcher.eval(&nothing, "view('ws://%s:8188/')", viewerServer.Addr()); err != nil {
		return err
	}
	return watcher.eval(&nothing, "measure()")
}

func (b *bench) start(name string) (*lab.Server, error) {
	place := lab.Place{In: b.server, Core: -1, Dir: b.dir}
	var server *lab.Server
	var err error
	if name == "janus" {
		server, err = lab.StartJanus(place, b.cfg.Janus)
	} else {
		server, err = lab.StartCardea(place, b.cfg.Cardea)
	}
	if err != nil {
		return nil, err
	}
	if err := b.server.WaitTCP(netip.AddrPortFrom(cameraServer.Addr(), 8188), startTimeout); err != nil {
		server.Stop()
		return nil, fmt.Errorf("%w; its log ends:\n%s", err, server.Log())
	}
	return server, nil
}

// say writes a line of progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "[%4.0f s] %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// show writes the table, the drawings and the samples.
func (b *bench) show(chosen []script, all []*series) error {
	if err := os.MkdirAll(b.cfg.Out, 0o755); err != nil {
		return err
	}
	j, err := json.Marshal(all)
	if err != nil {
		return err
	}
	files := map[string][]byte{"links.json": j, "links.md": []byte(b.heading() + table(chosen, all))}
	for _, s := range chosen {
		files["links-"+s.Name+".svg"] = draw(s, all)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(b.cfg.Out, name), content, 0o644); err != nil {
			return err
		}
	}
	fmt.Print("\n", string(files["links.md"]))
	for _, s := range all {
		if s.cameraRate() < minCameraRate {
			return fmt.Errorf("%s, %s: the camera sent %.1f frames a second: the machine is too busy, and the figures say little", s.Script, s.Server, s.cameraRate())
		}
	}
	return nil
}

// heading is what a table is about.
func (b *bench) heading() string {
	text := fmt.Sprintf("%s. %d rounds", machine.This(b.cfg.Janus), b.cfg.Rounds)
	if b.cfg.Cut != 1 {
		text += fmt.Sprintf(", each script for %g of its time", b.cfg.Cut)
	}
	return text + ".\n\n"
}

// sleep reports whether d has passed; otherwise ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
