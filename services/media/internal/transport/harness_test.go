package transport

import (
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// idleWorker is one that does not run: the test's goroutine owns it.
func idleWorker(t *testing.T) *Worker {
	t.Helper()
	w, err := Listen(Config{Advertise: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.closeAll()
		w.tasks.Wait()
		_ = w.socket.close()
	})
	return w
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
	rtp    func(b []byte, now time.Duration)
	closed string
	ups    int
}

func (l *listener) Up(time.Duration)            { l.ups++ }
func (l *listener) Closed(reason string)        { l.closed = reason }
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
