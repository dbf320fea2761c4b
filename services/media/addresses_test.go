package media

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pion/stun/v4"
)

func TestAddressThatASTUNServerTellsComesAfterThoseSet(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		buf := make([]byte, 1500)
		n, from, err := conn.ReadFrom(buf)
		request := &stun.Message{Raw: buf[:n]}
		if err != nil || request.Decode() != nil {
			return
		}
		_, _ = conn.WriteTo(stun.MustBuild(request, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(192, 0, 2, 7), Port: 1}).Raw, from)
	}()
	t.Cleanup(func() { _ = conn.Close(); <-answered })
	set := netip.MustParseAddr("198.51.100.1")
	got, err := Config{Common: Common{Advertise: []netip.Addr{set}, AdvertiseSTUN: []string{conn.LocalAddr().String()}}}.addresses(t.Context())
	if want := []netip.Addr{set, netip.MustParseAddr("192.0.2.7")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestNodeDoesNotStartWithoutTheAddressThatSTUNWasToTell(t *testing.T) {
	t.Parallel()
	err := Run(t.Context(), Config{Name: "a", GRPCListen: "127.0.0.1:0", Common: Common{AdvertiseSTUN: []string{"127.0.0.1:no-such-port"}}}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "advertise-stun: ask STUN server 127.0.0.1:no-such-port") {
		t.Errorf("got %v", err)
	}
}
