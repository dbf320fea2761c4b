package limit

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// greeter accepts and keeps what is not too many.
func greeter(t *testing.T, most, ofOne int, proxies ...netip.Prefix) (address string, f *Refusals, kept chan net.Conn) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f = NewRefusals(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	l := NewListener(inner, most, ofOne, proxies, f)
	kept = make(chan net.Conn, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("x"))
			kept <- c
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
		close(kept)
		for c := range kept {
			_ = c.Close()
		}
	})
	return inner.Addr().String(), f, kept
}

// TestEveryReasonIsCountedFromZero: rate() sees the first refusals then.
func TestEveryReasonIsCountedFromZero(t *testing.T) {
	f := NewRefusals(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if got := testutil.CollectAndCount(f.counter); got != 8 {
		t.Errorf("%d series at the start, want 8", got)
	}
	f.Count(SDP)
	if got := testutil.CollectAndCount(f.counter); got != 8 {
		t.Errorf("%d series, want 8", got)
	}
}

// greeted tells whether a connection is taken.
func greeted(t *testing.T, address string) bool {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	_, err = io.ReadFull(c, make([]byte, 1))
	return err == nil
}

// TestConnectionsThatSayNothingHaveABound: of one address, and of all; who closes one may open another.
func TestConnectionsThatSayNothingHaveABound(t *testing.T) {
	here := netip.MustParsePrefix("127.0.0.0/8")
	for name, c := range map[string]struct {
		most, ofOne int
		proxies     []netip.Prefix
		want        int
	}{
		"of one address":         {10, 2, nil, 2},
		"of all":                 {3, 10, nil, 3},
		"of a proxy, all counts": {3, 1, []netip.Prefix{here}, 3},
	} {
		address, f, kept := greeter(t, c.most, c.ofOne, c.proxies...)
		for i := range c.want {
			if !greeted(t, address) {
				t.Errorf("%s: connection %d is refused", name, i)
			}
		}
		if greeted(t, address) {
			t.Errorf("%s: one more is taken", name)
		}
		if n := testutil.ToFloat64(f.counter.WithLabelValues(string(Connections))); n != 1 {
			t.Errorf("%s: %v counted", name, n)
		}
		gone := <-kept
		_ = gone.Close()
		_ = gone.Close() // counts once
		if !greeted(t, address) || greeted(t, address) {
			t.Errorf("%s: after one was closed, not just one is taken", name)
		}
	}
}
