// Command workday plays a working day, compressed into minutes, to a Cardea of processes that it starts: people come in the
// morning, meet at full hours, go to lunch, and leave in the evening; most meet in small rooms where everybody speaks, others
// listen in large ones. It tells by phases of the day how that went, and ends with 1 if somebody could not join or got no media.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/tools/internal/cluster"
)

// config is what can be set; the tags are its documentation.
type config struct {
	Duration     time.Duration `help:"How long the day takes, which is from 7:00 to 19:00." default:"10m"`
	People       int           `help:"People in calls at a time, at most; each that speaks and is in a room with n others has some n PeerConnections." default:"48"`
	Nodes        int           `help:"Media nodes." default:"3"`
	NodePeers    int           `help:"PeerConnections that a node takes at most (--max-peers). Default: three times --people, by which the second node is needed at peaks, and three carry all."`
	VideoBitrate int           `help:"Of each who speaks, VP8, in bit/s, key frames not counted; 0 sends sound alone." default:"150000"`
	JoinTimeout  time.Duration `help:"Until when somebody must send, and have media of all who are there." default:"30s"`
	Seed         uint64        `help:"The same seed has people decide the same, as far as machines let them." default:"1"`
	Programs     string        `help:"Folder with signaling, roomstate and media." default:"bin" type:"path"`
	Out          string        `help:"Folder for load.md, load.json, drawings and the processes' logs." default:"artifacts/load" type:"path"`
}

// Validate is called when settings have been read.
func (c config) Validate() error {
	for name, value := range map[string]int{"people": c.People, "nodes": c.Nodes} {
		if value < 1 {
			return fmt.Errorf("%s must be above 0, is %d", name, value)
		}
	}
	switch {
	case c.Duration < 10*time.Second:
		return fmt.Errorf("duration must be at least 10s, is %v", c.Duration)
	case c.JoinTimeout <= 0:
		return fmt.Errorf("join-timeout must be above 0, is %v", c.JoinTimeout)
	case c.VideoBitrate < 0:
		return fmt.Errorf("video-bitrate must not be below 0, is %d", c.VideoBitrate)
	case c.NodePeers < 0:
		return fmt.Errorf("node-peers must not be below 0, is %d", c.NodePeers)
	}
	return nil
}

func main() {
	var cfg config
	const about = "Plays a working day, compressed into minutes, to a Cardea of processes on this machine: a morning ramp, meetings at full hours, a lunch dip and an evening tail. Wants nats-server and redis-server, and programs of the services. Ends with 1 if somebody could not join, got no media, or was given up."
	if err := settings.Parse(&cfg, "workday", about, "1", os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "workday:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // asked a second time, end at once
	failures, err := run(ctx, &cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, "workday:", err)
		os.Exit(2)
	}
	for _, sentence := range failures {
		fmt.Println(sentence)
	}
	if len(failures) > 0 {
		os.Exit(1)
	}
}

// run returns a sentence for each thing that must not be.
func run(ctx context.Context, cfg *config) ([]string, error) {
	if err := os.MkdirAll(cfg.Out, 0o755); err != nil {
		return nil, err
	}
	if cfg.NodePeers == 0 {
		cfg.NodePeers = max(3*cfg.People, 20)
	}
	c, err := cluster.Start(ctx, cluster.Options{
		Programs: cfg.Programs, Logs: cfg.Out, Nodes: cfg.Nodes,
		Media: []string{"--max-peers", strconv.Itoa(cfg.NodePeers)},
	})
	if err != nil {
		return nil, err
	}
	defer c.End()
	fmt.Printf("%d people at most, in %v; seed %d\n", cfg.People, cfg.Duration, cfg.Seed)
	out, err := play(ctx, cfg, c, os.Stdout)
	if err != nil {
		return nil, err
	}
	fmt.Print("\n" + out.markdown())
	return out.failures(), out.write(cfg.Out)
}
