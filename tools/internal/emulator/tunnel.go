package emulator

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const maxPacket = 1 << 16 // bytes

// Tunnel is a pair of TUN devices with a link in each direction between them. The devices can be moved to namespaces
// while it runs.
type Tunnel struct {
	ends  [2]*os.File
	ways  [2]*way // ways[i] leads from ends[i] to the other
	start time.Time
}

// way is one direction, with who reads and who writes.
type way struct {
	mu   sync.Mutex // guards link
	link *Link
	wake chan struct{} // has room for one
}

// NewTunnel makes two devices of these names.
func NewTunnel(a, b string, seed uint64) (*Tunnel, error) {
	t := &Tunnel{start: time.Now()}
	for i, name := range []string{a, b} {
		f, err := openTUN(name)
		if err != nil {
			t.Close()
			return nil, err
		}
		t.ends[i] = f
		t.ways[i] = &way{link: NewLink(seed + uint64(i)), wake: make(chan struct{}, 1)}
	}
	return t, nil
}

func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("device name %q: %w", name, err)
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("make TUN device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Set changes the conditions of both directions.
func (t *Tunnel) Set(fromA, fromB Conditions) {
	for i, c := range []Conditions{fromA, fromB} {
		w := t.ways[i]
		w.mu.Lock()
		w.link.Set(c)
		w.mu.Unlock()
		w.nudge()
	}
}

// Counters are of both directions.
func (t *Tunnel) Counters() (fromA, fromB Counters) {
	var all [2]Counters
	for i, w := range t.ways {
		w.mu.Lock()
		all[i] = w.link.Counters
		w.mu.Unlock()
	}
	return all[0], all[1]
}

// Run carries packets until ctx ends or Close.
func (t *Tunnel) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for i := range t.ways {
		running.Go(func() { t.ways[i].write(ctx, t.ends[1-i], t.start) })
	}
	defer context.AfterFunc(ctx, func() { // ends reading
		for _, f := range t.ends {
			_ = f.SetReadDeadline(time.Unix(1, 0))
		}
	})()
	var reading sync.WaitGroup
	for i := range t.ways {
		reading.Go(func() { t.ways[i].read(ctx, t.ends[i], t.start) })
	}
	reading.Wait()
}

// Close takes the devices away.
func (t *Tunnel) Close() {
	for _, f := range t.ends {
		if f != nil {
			_ = f.Close()
		}
	}
}

func (w *way) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// read feeds the link with what a device sends, until that is closed.
func (w *way) read(ctx context.Context, from *os.File, start time.Time) {
	for buf := make([]byte, maxPacket); ; {
		n, err := from.Read(buf)
		if ctx.Err() != nil {
			return
		}
		if err != nil { // the device is down, or gone
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-ctx.Done():
				return
			}
		}
		w.mu.Lock()
		w.link.Enter(append([]byte(nil), buf[:n]...), time.Since(start))
		w.mu.Unlock()
		w.nudge()
	}
}

// write gives the other device what the link lets out.
func (w *way) write(ctx context.Context, to *os.File, start time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-w.wake:
		case <-ctx.Done():
			return
		}
		var out [][]byte
		w.mu.Lock()
		w.link.Leave(time.Since(start), func(b []byte) { out = append(out, b) })
		next, waits := w.link.Next()
		w.mu.Unlock()
		for _, b := range out {
			_, _ = to.Write(b) // a device that is down loses it
		}
		if waits {
			timer.Reset(max(next-time.Since(start), 0))
		}
	}
}
