package node

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// slow is a log that takes its time over each line.
type slow struct {
	slog.Handler
	wait func()
}

func (slow) Enabled(context.Context, slog.Level) bool { return true }

func (s slow) Handle(context.Context, slog.Record) error {
	s.wait()
	return nil
}

// TestPortsAreOpenedBesideTheWorkers: while a port is looked for, the worker of the peer serves others. The inlet, which has no
// ports here, says so in its log.
func TestPortsAreOpenedBesideTheWorkers(t *testing.T) {
	g, err := transport.Listen(transport.Config{
		Workers: 1, Advertise: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	served := false
	var n *Node
	log := slog.New(slow{slog.DiscardHandler, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		served = n.shards[0].run(ctx, func(time.Duration) error { return nil }) == nil
	}})
	inlet := rtpreceive.New(rtpreceive.Config{Log: log})
	defer inlet.Close()
	n = New(g, Config{MaxPeers: 10, Inlet: inlet, Log: slog.New(slog.DiscardHandler)})
	go func() { ended <- n.Run(ctx) }()
	if _, err := n.AcceptRemote(ctx, RemoteRequest{Feed: "far"}); err == nil {
		t.Error("accepted without ports")
	}
	if !served {
		t.Error("the worker waits until a port is open")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
