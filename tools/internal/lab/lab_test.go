package lab

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// newLab skips the test where namespaces cannot be made.
func newLab(t *testing.T) *Lab {
	t.Helper()
	l, err := New("cardea-labtest")
	if errors.Is(err, ErrUnable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestNamespacesReachEachOtherAndNothingElse(t *testing.T) {
	l := newLab(t)
	a, err := l.Namespace("a")
	if errors.Is(err, ErrUnable) {
		t.Skip(err)
	}
	b, errB := l.Namespace("b")
	if err := errors.Join(err, errB); err != nil {
		t.Fatal(err)
	}
	err = l.Connect(
		End{In: a, Name: "left", Address: netip.MustParsePrefix("198.18.7.1/24"), Core: -1, Cuts: true},
		End{In: b, Name: "right", Address: netip.MustParsePrefix("198.18.7.2/24"), Core: 0})
	if err != nil {
		t.Fatal(err)
	}
	routes, err := b.Command(-1, "ip", "-br", "addr").Output()
	if err != nil || !strings.Contains(string(routes), "198.18.7.2/24") || strings.Contains(string(routes), "eth") {
		t.Errorf("%s, %v", routes, err)
	}
	if err := b.WaitTCP(netip.MustParseAddrPort("198.18.7.1:9"), 0); err == nil || !strings.Contains(err.Error(), "nothing listens") {
		t.Error(err)
	}
}

func TestWhatIsDroppedComesAgainOnceMended(t *testing.T) {
	l := newLab(t)
	bridge, err := l.Bridge("bridge")
	if errors.Is(err, ErrUnable) {
		t.Skip(err)
	}
	a, errA := l.Namespace("a")
	b, errB := l.Namespace("b")
	if err := errors.Join(err, errA, errB); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(bridge.Join(a, netip.MustParsePrefix("198.18.7.1/24")), bridge.Join(b, netip.MustParsePrefix("198.18.7.2/24"))); err != nil {
		t.Fatal(err)
	}
	// Nothing listens there, which only who is heard is told: what is dropped is met by silence.
	refused := func() bool {
		out, _ := a.Process("timeout", "5", "bash", "-c", ": </dev/tcp/198.18.7.2/9").CombinedOutput()
		return strings.Contains(string(out), "refused")
	}
	if !refused() {
		t.Fatal("b is not reached")
	}
	if err := b.Drop(netip.MustParseAddr("198.18.7.1")); err != nil {
		t.Skip(err) // no iptables
	}
	if refused() {
		t.Error("b is reached through what drops all")
	}
	if err := b.Mend(); err != nil || !refused() {
		t.Errorf("b is not reached again, %v", err)
	}
}

func TestServersThatEndTellWhy(t *testing.T) {
	l := newLab(t)
	n, err := l.Namespace("a")
	if errors.Is(err, ErrUnable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(Place{In: n, Core: 0, Dir: t.TempDir()}, "x", "", n.Command(0, "sh", "-c", "echo no such setting; exit 1"))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		t.Error("still runs")
	}
	s.Stop()
	if !strings.Contains(s.Log(), "no such setting") {
		t.Errorf("%q", s.Log())
	}
}
