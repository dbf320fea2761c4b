package media

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
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
	t.Parallel()
	got := told(t, Config{Name: "a", Common: Common{UDPPort: freePort(t), TCP: true, Advertise: []netip.Addr{netip.MustParseAddr("192.0.2.7")}}})
	for _, want := range []string{"192.0.2.7:", "--advertise", "free", "not 127.0.0.1", "loopback", "tcptype passive", "127.0.0.1:9000"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "remote publishers") {
		t.Errorf("ports that nothing opens:\n%s", got)
	}
	got = told(t, Config{Name: "a", Common: Common{
		UDPPort: freePort(t), RemoteFrom: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, RemotePorts: rtpreceive.Ports{First: 20000, Last: 20999},
	}})
	if !strings.Contains(got, "UDP 20000-20999") || strings.Contains(got, "tcptype") {
		t.Errorf("\n%s", got)
	}
}

// freePort is one that was free a moment ago, of UDP and TCP.
func freePort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: l.Addr().(*net.TCPAddr).Port})
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// TestPortsOfARunningNode compares with what a node that has the port tells.
func TestPortsOfARunningNode(t *testing.T) {
	t.Parallel()
	advertise := []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")}
	group, err := transport.Listen(transport.Config{Workers: 2, TCP: true, Advertise: advertise, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer group.Discard()
	got := told(t, Config{Name: "a", Common: Common{UDPPort: group.Port(), TCP: true, Advertise: advertise}})
	for _, candidate := range group.Candidates() {
		if !strings.Contains(got, "a=candidate:"+candidate+"\n") {
			t.Errorf("the node tells %q, not so\n%s", candidate, got)
		}
	}
	if n := strings.Count(got, "a=candidate:"); n != len(group.Candidates()) {
		t.Errorf("%d candidates in\n%s", n, got)
	}
	for _, ip := range advertise {
		if address := netip.AddrPortFrom(ip, group.Port()).String(); !strings.Contains(got, address) {
			t.Errorf("no %s in\n%s", address, got)
		}
	}
	if !strings.Contains(got, "taken") {
		t.Errorf("not taken:\n%s", got)
	}
}

func TestPortsThatAStartChoosesAreNotTold(t *testing.T) {
	t.Parallel()
	got := told(t, Config{Name: "a", Common: Common{TCP: true, Advertise: []netip.Addr{netip.MustParseAddr("192.0.2.7")}}})
	for _, want := range []string{"UDP any", "TCP any", "192.0.2.7:any", "--udp-port 0", "not known"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "a=candidate") {
		t.Errorf("candidates of a port that nobody has:\n%s", got)
	}
}

func TestPortsSaysWhyNothingIsKnown(t *testing.T) {
	t.Parallel()
	err := DescribePorts(t.Context(), Config{Name: "a", GRPCListen: "127.0.0.1:9000", Common: Common{AdvertiseSTUN: []string{"127.0.0.1:no-such-port"}}}, new(strings.Builder))
	if err == nil || !strings.Contains(err.Error(), "no-such-port") {
		t.Errorf("%v", err)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1": "this machine", "::1": "this machine", "fe80::1": "this link", "10.1.2.3": "its network (private)",
		"fd00::1": "its network (private)", "100.64.1.1": "its network (private)", "203.0.113.5": "anywhere, unless filtered",
	} {
		if got := reach(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}
