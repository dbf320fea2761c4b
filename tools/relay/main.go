// Command relay measures what it costs that subscribers are on another media node than who publishes, and how much later media
// comes: the same load on two nodes of this machine, with all of it on the first, and with subscribers on the second.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/proto/settings"
)

// config is what can be set; the tags are its documentation.
type config struct {
	Programs  string        `help:"Folder with signaling, roomstate, media and loadtest." default:"bin" type:"path"`
	Scenarios []string      `help:"Which to run, of ${enum}." default:"60x1-1,20x3-6,1-100" enum:"60x1-1,20x3-6,1-100"`
	Rounds    int           `help:"How often each is run." default:"3"`
	Duration  time.Duration `help:"How long to measure each time." default:"10s"`
	LoadCore  int           `help:"Core of the load; -1 for any. The services have what this program has." default:"-1"`
	Markdown  string        `help:"Write the table to this file, too." placeholder:"FILE"`
}

// Validate is called when settings have been read.
func (c config) Validate() error {
	switch {
	case c.Rounds < 1:
		return fmt.Errorf("rounds must be at least 1, is %d", c.Rounds)
	case c.Duration < time.Second:
		return fmt.Errorf("duration must be at least 1s, is %v", c.Duration)
	}
	return nil
}

// scenario is one kind of load.
type scenario struct {
	name                           string
	rooms, publishers, subscribers int // publishers and subscribers in each room; each subscriber gets all
}

// The numbers of publishers are such that the first node can be made full by them to a peer, see seats.
var scenarios = []scenario{
	{"60x1-1", 60, 1, 1},
	{"20x3-6", 20, 3, 6},
	{"1-100", 1, 1, 100},
}

func (s scenario) about() string {
	words := fmt.Sprintf("%d → %d", s.publishers, s.subscribers)
	if s.rooms > 1 {
		words = fmt.Sprintf("%d rooms of %s", s.rooms, words)
	}
	return words
}

func main() {
	var cfg config
	const about = "Measures what a relay between two media nodes costs, and by how much media comes later, on this machine. Wants nats-server and redis-server, and programs of the services."
	if err := settings.Parse(&cfg, "relay", about, "1", os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &cfg); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg *config) error {
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "[%4.0f s] %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	var table strings.Builder
	table.WriteString("| load | both nodes, CPU µs a packet, local / relayed | ratio | first node, CPU % of a core, local / relayed | ratio | p50 delay, local / relayed | added | p99 delay, local / relayed | delivered, local / relayed |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range scenarios {
		if !slices.Contains(cfg.Scenarios, s.name) {
			continue
		}
		var local, relayed []measured
		for round := range cfg.Rounds {
			for i := range 2 {
				far := (i+round)%2 == 1 // neither is always first
				m, err := measure(ctx, cfg, s, far)
				if err != nil {
					return fmt.Errorf("%s: %w", s.about(), err)
				}
				where := "local"
				if far {
					relayed, where = append(relayed, m), "relayed"
				} else {
					local = append(local, m)
				}
				say("round %d/%d, %s, %s: %s", round+1, cfg.Rounds, s.about(), where, m)
			}
		}
		table.WriteString(row(s, middle(local), middle(relayed)))
	}
	fmt.Print("\n" + table.String())
	if cfg.Markdown == "" {
		return nil
	}
	return os.WriteFile(cfg.Markdown, []byte(table.String()), 0o644)
}
