package roomstate_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes TCP connections on to target until it is cut: then whoever is behind it is as good as dead.
func proxy(t *testing.T, target string) (address string, cut func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var conns []net.Conn
	dead := false
	keep := func(c net.Conn) bool {
		mu.Lock()
		defer mu.Unlock()
		if dead {
			_ = c.Close()
			return false
		}
		conns = append(conns, c)
		return true
	}
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
		_ = from.Close()
	}
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				_ = in.Close()
				continue
			}
			if keep(in) && keep(out) {
				wg.Go(func() { pipe(in, out) })
				wg.Go(func() { pipe(out, in) })
			}
		}
	})
	cut = sync.OnceFunc(func() {
		_ = l.Close()
		mu.Lock()
		dead = true
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	t.Cleanup(cut)
	return l.Addr().String(), cut
}
