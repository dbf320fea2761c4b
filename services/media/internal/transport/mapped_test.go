package transport

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// stunServer answers each datagram as told, and returns its address.
func stunServer(t *testing.T, answer func(request *stun.Message) []*stun.Message) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			request := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
			if request.Decode() != nil {
				continue
			}
			for _, m := range answer(request) {
				_, _ = conn.WriteTo(m.Raw, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func tells(ip string, transaction stun.Setter) *stun.Message {
	return stun.MustBuild(transaction, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.ParseIP(ip), Port: 4242})
}

func TestSTUNServerTellsTheAddress(t *testing.T) {
	for _, want := range []string{"192.0.2.7", "2001:db8::7"} {
		server := stunServer(t, func(request *stun.Message) []*stun.Message {
			return []*stun.Message{
				tells("198.51.100.1", stun.TransactionID), // an answer to something else
				stun.MustBuild(request, stun.NewType(stun.MethodBinding, stun.ClassErrorResponse), stun.CodeServerError),
				tells(want, request),
			}
		})
		if got, err := Mapped(t.Context(), []string{server}); err != nil || got != netip.MustParseAddr(want) {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
}

func TestNextSTUNServerIsAskedWhereOneFails(t *testing.T) {
	good := stunServer(t, func(request *stun.Message) []*stun.Message { return []*stun.Message{tells("192.0.2.7", request)} })
	if got, err := Mapped(t.Context(), []string{"127.0.0.1:no-such-port", good}); err != nil || got.String() != "192.0.2.7" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestRequestToASTUNServerIsRepeated(t *testing.T) {
	requests := 0
	server := stunServer(t, func(request *stun.Message) []*stun.Message {
		if requests++; requests < 2 {
			return nil
		}
		return []*stun.Message{tells("192.0.2.7", request)}
	})
	if got, err := Mapped(t.Context(), []string{server}); err != nil || got.String() != "192.0.2.7" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSilentSTUNServersAreAnErrorThatNamesThem(t *testing.T) {
	server := stunServer(t, func(*stun.Message) []*stun.Message { return nil })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Mapped(ctx, []string{server}); err == nil || !strings.Contains(err.Error(), server) {
		t.Errorf("got %v", err)
	}
}

func FuzzReadMapped(f *testing.F) {
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	f.Add(tells("192.0.2.7", request).Raw)
	f.Add(tells("2001:db8::7", request).Raw)
	f.Add(request.Raw)
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if address, ok := readMapped(datagram, request.TransactionID); ok && !address.IsValid() {
			t.Errorf("took %v", address)
		}
	})
}
