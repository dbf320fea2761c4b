package media

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
)

// told is what DescribePorts writes of a port.
func told(t *testing.T, cfg Config) string {
	t.Helper()
	cfg.GRPCListen = "127.0.0.1:9000"
	var out strings.Builder
	if err := DescribePorts(t.Context(), cfg, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPortsSaysWhatEndpointsAreTold(t *testing.T) {
	got := told(t, Config{Name: "a", Common: Common{TCP: true, Advertise: []netip.Addr{netip.MustParseAddr("192.0.2.7")}}})
	for _, want := range []string{"192.0.2.7:", "--advertise", "free", "not 127.0.0.1", "loopback", "tcptype passive", "127.0.0.1:9000"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "remote publishers") {
		t.Errorf("ports that nothing opens:\n%s", got)
	}
	got = told(t, Config{Name: "a", Common: Common{
		RemoteFrom: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, RemotePorts: rtpreceive.Ports{First: 20000, Last: 20999},
	}})
	if !strings.Contains(got, "UDP 20000-20999") || strings.Contains(got, "tcptype") {
		t.Errorf("\n%s", got)
	}
}

func TestPortsOfARunningNode(t *testing.T) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	taken := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	got := told(t, Config{Name: "a", Common: Common{UDPPort: taken, Advertise: []netip.Addr{netip.MustParseAddr("192.0.2.7")}}})
	if !strings.Contains(got, "taken") || !strings.Contains(got, netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), taken).String()) {
		t.Errorf("\n%s", got)
	}
}

func TestPortsSaysWhyNothingIsKnown(t *testing.T) {
	err := DescribePorts(t.Context(), Config{Name: "a", GRPCListen: "127.0.0.1:9000", Common: Common{AdvertiseSTUN: []string{"127.0.0.1:no-such-port"}}}, new(strings.Builder))
	if err == nil || !strings.Contains(err.Error(), "no-such-port") {
		t.Errorf("%v", err)
	}
}

func TestReach(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1": "this machine", "::1": "this machine", "fe80::1": "this link", "10.1.2.3": "its network (private)",
		"fd00::1": "its network (private)", "100.64.1.1": "its network (private)", "203.0.113.5": "anywhere, unless filtered",
	} {
		if got := reach(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}
