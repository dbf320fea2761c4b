// Command joins measures signalling alone, Cardea's beside Janus's, on this machine: what an idle session takes of memory, how
// many joins a second there are and what each costs of CPU, in many small rooms and in one large one, with and without telling
// everybody of each. Nobody sends media.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// config is what can be chosen.
type config struct {
	Signaling string `help:"Cardea's edge." type:"existingfile" required:"" placeholder:"FILE"`
	Roomstate string `help:"Cardea's keeper of rooms." type:"existingfile" required:"" placeholder:"FILE"`
	Janus     string `help:"Janus's program, or its name in PATH." default:"janus"`
	NATS      string `help:"NATS's program, likewise." default:"nats-server"`
	Redis     string `help:"Redis's program, likewise." default:"redis-server"`
	Only      string `help:"Measure this server alone." enum:",janus,cardea" default:""`
	Rounds    int    `help:"How often each server is measured, in turn." default:"2"`
	Sessions  int    `help:"Idle sessions, each with a WebSocket and a handle of its own." default:"2000"`
	Rooms     int    `help:"Rooms of ten." default:"100"`
	Crowd     int    `help:"Those who join the one large room." default:"300"`
	Workers   int    `help:"Joins that are under way at a time." default:"16"`
	Pin       bool   `help:"Keep the servers to the first core and the clients to the others." default:"true" negatable:""`
	Markdown  string `help:"Write the table to this file, too." placeholder:"FILE"`
	Plot      string `help:"Draw what a join costs, by the size of rooms in which everybody is told, into this file, as SVG." placeholder:"FILE"`
}

func main() {
	if err := mainErr(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "joins:", err)
		os.Exit(1)
	}
}

func mainErr(args []string) error {
	var cfg config
	parser, err := kong.New(&cfg, kong.Name("joins"), kong.DefaultEnvars("JOINS"),
		kong.Description("Signalling without media: memory of sessions, and the cost of joins, of Cardea beside Janus."))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	if cfg.Rounds < 1 || cfg.Sessions < 1 || cfg.Rooms < 1 || cfg.Crowd < 1 || cfg.Workers < 1 {
		return errors.New("--rounds, --sessions, --rooms, --crowd and --workers are at least 1")
	}
	if err := moreFiles(uint64(2*cfg.Sessions + 1000)); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, cfg)
}

// moreFiles lets this process, and those it starts, have that many files open.
func moreFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur >= n {
		return nil
	}
	if limit.Max < n {
		return fmt.Errorf("%d files may be open, and %d are needed (ulimit -n)", limit.Max, n)
	}
	limit.Cur = n
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
