package receive

import (
	"bytes"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink keeps what comes.
type sink struct {
	got   [][]byte
	at    []time.Duration
	ticks int
	done  chan struct{} // closed when want datagrams have come and a tick
	want  int
}

func (s *sink) Datagram(b []byte, _ netip.AddrPort, at time.Duration) {
	s.got, s.at = append(s.got, bytes.Clone(b)), append(s.at, at)
}

func (s *sink) Tick(time.Duration) {
	s.ticks++
	if len(s.got) == s.want && s.done != nil {
		close(s.done)
		s.done = nil
	}
}

func startPoller(t *testing.T) *Poller {
	t.Helper()
	p, err := NewPoller(time.Now(), true, nil)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		p.Stop()
		running.Wait()
		p.Close()
	})
	return p
}

func TestRunsOfSegmentsComeApart(t *testing.T) {
	p := startPoller(t)
	done := make(chan struct{})
	to := &sink{want: 4, done: done}
	receiver, err := p.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	sender, err := p.Open(&sink{})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), receiver.Port())
	before := time.Since(p.start)
	sender.Send([]byte("alone"), address)
	if err := unix.SetsockoptInt(sender.fd, unix.SOL_UDP, unix.UDP_SEGMENT, 4); err != nil {
		t.Skip("the kernel makes no runs: ", err)
	}
	sender.Send([]byte("oneetwoethr"), address)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("not all came")
	}
	receiver.Do(func() {
		for i, want := range []string{"alone", "onee", "twoe", "thr"} {
			if string(to.got[i]) != want {
				t.Errorf("%d: %q", i, to.got[i])
			}
		}
		if to.at[0] < before-time.Second || to.at[0] > time.Since(p.start) {
			t.Errorf("came at %v, sent at %v", to.at[0], before)
		}
	})
}

func TestClosedSocketsAreNotCalled(t *testing.T) {
	p := startPoller(t)
	s := &sink{}
	socket, err := p.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	socket.Close()
	socket.Close()
	ticks := s.ticks
	time.Sleep(3 * TickInterval)
	if s.ticks != ticks {
		t.Error("ticked")
	}
}
