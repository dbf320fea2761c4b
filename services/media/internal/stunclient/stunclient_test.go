package stunclient

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/pion/stun/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers requests as build says, the first of all not at all.
func serve(t *testing.T, build func(request *stun.Message, from *net.UDPAddr) *stun.Message) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, maxAnswer)
		for lost := true; ; lost = false {
			n, from, err := conn.ReadFromUDP(b)
			if err != nil {
				return
			}
			request := &stun.Message{Raw: append([]byte(nil), b[:n]...)}
			if lost || request.Decode() != nil {
				continue
			}
			_, _ = conn.WriteToUDP([]byte("not STUN"), from)
			_, _ = conn.WriteToUDP(build(request, from).Raw, from)
		}
	})
	t.Cleanup(func() { _ = conn.Close(); wg.Wait() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestTheServersViewIsReturned(t *testing.T) {
	for name, address := range map[string]func(ip net.IP, port int) stun.Setter{
		"xor":   func(ip net.IP, port int) stun.Setter { return &stun.XORMappedAddress{IP: ip, Port: port} },
		"plain": func(ip net.IP, port int) stun.Setter { return &stun.MappedAddress{IP: ip, Port: port} },
	} {
		t.Run(name, func(t *testing.T) {
			at := serve(t, func(request *stun.Message, _ *net.UDPAddr) *stun.Message {
				return stun.MustBuild(request, stun.BindingSuccess, address(net.IPv4(192, 0, 2, 7), 4711))
			})
			got, err := Mapped(t.Context(), at.Addr().String(), at.Port(), 0)
			if want := netip.MustParseAddrPort("192.0.2.7:4711"); err != nil || got != want {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	at := serve(t, func(request *stun.Message, _ *net.UDPAddr) *stun.Message {
		return stun.MustBuild(stun.TransactionID, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(192, 0, 2, 7), Port: 1})
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if got, err := Mapped(ctx, at.Addr().String(), at.Port(), 0); err == nil {
			t.Errorf("the answer to another request was taken: %v", got)
		}
	})
	cancel()
	wg.Wait()
}

func TestANameWithoutAnAddressIsTold(t *testing.T) {
	if _, err := Mapped(t.Context(), "nowhere.invalid", 3478, 0); !errors.Is(err, ErrAddress) {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(192, 0, 2, 7), Port: 1}).Raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		var transaction [stun.TransactionIDSize]byte
		if len(b) >= 20 {
			copy(transaction[:], b[8:])
		}
		if got, ok := read(b, transaction); ok && !got.IsValid() {
			t.Errorf("no address: %v", got)
		}
	})
}
