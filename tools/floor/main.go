// Command floor measures what it costs a machine at least to send encrypted media: AES-GCM over packets of 1200 bytes
// to 100 destinations in turn, one packet a system call (sendto), many (sendmmsg), and many runs of six that the kernel
// cuts (UDP_SEGMENT). It prints CPU µs a packet, of this process, as JSON: without a pause, and at the pace of video, where
// caches and core have time to forget.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"github.com/cardea-rtc/cardea/tools/internal/receive"
)

const (
	destinations = 100
	firstPort    = 20000
	packetBytes  = 1200 // with header and authentication tag
	runLength    = 6    // packets of one destination
)

func main() {
	var cfg struct {
		Sink      bool          `help:"Receive packets until told to end."`
		WholeRuns bool          `help:"The sink takes runs of segments uncut; otherwise the kernel cuts them, in the sender's time."`
		To        string        `help:"Send to a sink." placeholder:"IP"`
		Duration  time.Duration `help:"How long to send each way." default:"2s"`
	}
	kong.Parse(&cfg, kong.Description("What sending media costs at least."))
	var err error
	switch {
	case cfg.Sink:
		err = sink(cfg.WholeRuns)
	case cfg.To != "":
		err = measure(cfg.To, cfg.Duration, os.Stdout)
	default:
		err = errors.New("expected --sink or --to")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// sink takes what comes, as the load generator does.
func sink(wholeRuns bool) error {
	p, err := receive.NewPoller(time.Now(), wholeRuns, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	for i := range destinations {
		s, err := p.OpenPort(uint16(firstPort+i), nobody{})
		if err != nil {
			return err
		}
		defer s.Close()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, p.Stop)()
	return p.Run()
}

// nobody is a receive.Handler.
type nobody struct{}

func (nobody) Datagram([]byte, netip.AddrPort, time.Duration) {}
func (nobody) Tick(time.Duration)                             {}

// measure prints what each way of sending costs.
func measure(address string, d time.Duration, out io.Writer) error {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return err
	}
	s, err := newSender(ip.As4())
	if err != nil {
		return err
	}
	type costs struct {
		FlatOut float64 `json:"flat_out"`
		Paced   float64 `json:"paced"`
	}
	var result struct {
		Encryption costs `json:"encryption"`
		Sendto     costs `json:"sendto"`
		Sendmmsg   costs `json:"sendmmsg"`
		Segmented  costs `json:"segmented"`
	}
	for _, way := range []struct {
		round func() (packets int, err error)
		cost  *costs
	}{
		{s.encrypt, &result.Encryption}, {s.sendto, &result.Sendto}, {s.sendmmsg, &result.Sendmmsg}, {s.segmented, &result.Segmented},
	} {
		if way.cost.FlatOut, err = cost(way.round, d, 0); err != nil {
			return err
		}
		if way.cost.Paced, err = cost(way.round, d, frameInterval); err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(result)
}

// frameInterval is that of the load generator's video, whose frames are about six packets.
const frameInterval = time.Second / 30

// cost repeats a round for a time, at an interval if that is not 0, and returns CPU µs a packet.
func cost(round func() (int, error), d, interval time.Duration) (float64, error) {
	before, err := cpu()
	if err != nil {
		return 0, err
	}
	var packets int
	for end := time.Now().Add(d); time.Now().Before(end); {
		n, err := round()
		if err != nil {
			return 0, err
		}
		packets += n
		if interval > 0 {
			time.Sleep(interval)
		}
	}
	after, err := cpu()
	if err != nil {
		return 0, err
	}
	return float64((after - before).Nanoseconds()) / 1e3 / float64(packets), nil
}

// cpu is what this process has used.
func cpu() (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
