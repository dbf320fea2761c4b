// Command floor measures what it costs a machine at least to send encrypted media: AES-GCM over packets of 1200 bytes
// to 100 destinations in turn, one packet a system call (sendto), many (sendmmsg), and many runs of six that the kernel
// cuts (UDP_SEGMENT). It prints CPU µs a packet, of this process, as JSON.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"
)

const (
	destinations = 100
	firstPort    = 20000
	packetBytes  = 1200 // with header and authentication tag
	runLength    = 6    // packets of one destination
)

func main() {
	var cfg struct {
		Sink      string        `help:"Hold the sockets to which packets go, at this address, until told to end." placeholder:"IP"`
		WholeRuns bool          `help:"The sink takes runs of segments uncut; otherwise the kernel cuts them, in the sender's time."`
		To        string        `help:"Send to a sink." placeholder:"IP"`
		Duration  time.Duration `help:"How long to send each way." default:"2s"`
	}
	kong.Parse(&cfg, kong.Description("What sending media costs at least."))
	var err error
	switch {
	case cfg.Sink != "":
		err = sink(cfg.Sink, cfg.WholeRuns)
	case cfg.To != "":
		err = measure(cfg.To, cfg.Duration)
	default:
		err = errors.New("expected --sink or --to")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// sink holds sockets that it does not read: what arrives is dropped where their buffers are full.
func sink(address string, wholeRuns bool) error {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return err
	}
	for i := range destinations {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return fmt.Errorf("open socket: %w", err)
		}
		// A size that one run of segments fills.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1)
		if wholeRuns {
			_ = unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: firstPort + i, Addr: ip.As4()}); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	<-end
	return nil
}

// measure prints what each way of sending costs.
func measure(address string, d time.Duration) error {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return err
	}
	s, err := newSender(ip.As4())
	if err != nil {
		return err
	}
	var result struct {
		Encryption float64 `json:"encryption"`
		Sendto     float64 `json:"sendto"`
		Sendmmsg   float64 `json:"sendmmsg"`
		Segmented  float64 `json:"segmented"`
	}
	for _, way := range []struct {
		round func() (packets int, err error)
		cost  *float64
	}{
		{s.encrypt, &result.Encryption}, {s.sendto, &result.Sendto}, {s.sendmmsg, &result.Sendmmsg}, {s.segmented, &result.Segmented},
	} {
		if *way.cost, err = cost(way.round, d); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// cost repeats a round for a time and returns CPU µs a packet.
func cost(round func() (int, error), d time.Duration) (float64, error) {
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
