package transport

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// idleWorker is one that does not run: the test's goroutine owns it.
func idleWorker(t testing.TB) *Worker {
	t.Helper()
	return idleWorkers(t, 1)[0]
}

// idleWorkers are those of one port.
func idleWorkers(t testing.TB, workers int) []*Worker {
	t.Helper()
	g := openGroup(t, Config{Workers: workers})
	t.Cleanup(func() {
		for _, w := range g.workers {
			w.closeAll()
			w.tasks.Wait()
			_ = w.socket.close()
		}
	})
	for _, w := range g.workers {
		w.wheel.init(0) // tests have a time of their own
	}
	return g.workers
}

func openGroup(t testing.TB, cfg Config) *Group {
	t.Helper()
	cfg.Advertise, cfg.Log = []netip.Addr{netip.MustParseAddr("127.0.0.1")}, slog.New(slog.DiscardHandler)
	g, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.workers) != cfg.Workers {
		t.Skipf("%d workers cannot share a port here", cfg.Workers)
	}
	return g
}

// runningGroup runs until the test ends.
func runningGroup(t *testing.T, cfg Config) *Group {
	t.Helper()
	g := openGroup(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := g.Run(ctx, func(int) func(time.Duration) { return nil }); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return g
}

// find has a peer know a path as if a check had come on it.
func (p *Peer) find(at path, ufrag string, nominated bool, now time.Duration) {
	p.checked(at, p.w, ufrag, now)
	p.settle(at, nominated, now)
}

// readMail does what was posted to an idle worker, and ends the burst.
func (w *Worker) readMail(now time.Duration) {
	for _, f := range w.mail.take() {
		f(now)
	}
	w.flush(now)
}

// far is an endpoint's socket.
func far(t *testing.T) (*net.UDPConn, path) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, path{addr: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
}

// listener is a Handler that notes what it hears.
type listener struct {
	rtp      func(b []byte, now time.Duration)
	closed   string
	ups      int
	overruns int
	bounded  int
	selected []netip.AddrPort
}

func (l *listener) Selected(endpoint netip.AddrPort, _ bool) {
	l.selected = append(l.selected, endpoint)
}

func (l *listener) Up(time.Duration)            { l.ups++ }
func (l *listener) Closed(reason string)        { l.closed = reason }
func (l *listener) Overrun(time.Duration)       { l.overruns++ }
func (l *listener) Bounded(time.Duration)       { l.bounded++ }
func (l *listener) RTCP([]byte, time.Duration)  {}
func (l *listener) Data(Message, time.Duration) {}
func (l *listener) RTP(b []byte, now time.Duration) {
	if l.rtp != nil {
		l.rtp(b, now)
	}
}

// testKeys are those of both directions.
func testKeys(t testing.TB, profile srtp.ProtectionProfile) keys {
	t.Helper()
	keyLen, err := profile.KeyLen()
	if err != nil {
		t.Fatal(err)
	}
	saltLen, err := profile.SaltLen()
	if err != nil {
		t.Fatal(err)
	}
	return keys{
		profile: profile, localKey: make([]byte, keyLen), localSalt: make([]byte, saltLen),
		remoteKey: make([]byte, keyLen), remoteSalt: make([]byte, saltLen),
	}
}
