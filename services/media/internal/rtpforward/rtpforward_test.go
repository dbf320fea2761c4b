package rtpforward

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func TestOnlyAllowedNetworksAreSentTo(t *testing.T) {
	var log strings.Builder
	o := New([]netip.Prefix{netip.MustParsePrefix("127.0.0.5/8"), netip.MustParsePrefix("2001:db8::/32")}, slog.New(slog.NewTextHandler(&log, nil)))
	defer o.Close()
	for _, c := range []struct {
		host, family, want string
		reason             fault.Reason
	}{
		{"127.1.2.3", "", "127.1.2.3", ""},
		{"127.0.0.1", "ipv4", "127.0.0.1", ""},
		{"127.0.0.1", "ipv6", "", fault.BadElement},
		{"localhost", "ipv4", "127.0.0.1", ""},
		{"::ffff:127.0.0.1", "", "127.0.0.1", ""},
		{"2001:db8::1", "", "2001:db8::1", ""},
		{"2001:db9::1", "", "", fault.Unauthorized},
		{"::ffff:192.0.2.1", "", "", fault.Unauthorized},
		{"192.0.2.1", "", "", fault.Unauthorized},
		{"0.0.0.0", "", "", fault.Unauthorized},
		{"", "", "", fault.BadElement},
		{"no.such.host.invalid", "", "", fault.BadElement},
	} {
		got, err := o.Resolve(t.Context(), c.host, c.family)
		if fault.Of(err) != c.reason || err == nil && got.String() != c.want {
			t.Errorf("%s %s is %v, %v", c.host, c.family, got, err)
		}
	}
	if n := strings.Count(log.String(), "not allowed"); n != 4 {
		t.Errorf("%d lines of the log: %s", n, &log)
	}
	none := New(nil, quiet)
	defer none.Close()
	if _, err := none.Resolve(t.Context(), "127.0.0.1", ""); fault.Of(err) != fault.Unauthorized {
		t.Errorf("without a list: %v", err)
	}
}

func TestCryptoIsChecked(t *testing.T) {
	o := New(nil, quiet)
	defer o.Close()
	s, err := o.Open(quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	to := netip.MustParseAddrPort("127.0.0.1:9")
	for _, c := range []Crypto{{Suite: 80}, {Suite: 80, Key: make([]byte, 29)}, {Suite: 64, Key: make([]byte, 30)}} {
		if _, err := s.Port(to, c); fault.Of(err) != fault.BadElement {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Crypto{{}, {Suite: 32, Key: make([]byte, 30)}, {Suite: 80, Key: make([]byte, 30)}} {
		if _, err := s.Port(to, c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Nobody takes what waits: the sender goes on.
func TestWhatDoesNotGoOutIsDropped(t *testing.T) {
	o := New(nil, quiet)
	defer o.Close()
	s := &Socket{outlet: o, queue: make(chan datagram, 2)}
	p, err := s.Port(netip.MustParseAddrPort("127.0.0.1:9"), Crypto{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p.SendRTP(p.Buffer(), []byte("packet"))
	}
	p.Message([]byte("message"))
	s = &Socket{outlet: o, queue: make(chan datagram, 100)}
	p.socket = s
	for range 20 {
		p.Message(make([]byte, maxDatagram))
	}
	p.Message(make([]byte, maxDatagram+1))
	if want := uint64(1 + 1 + 20 - maxQueuedBytes/maxDatagram + 1); o.Dropped() != want {
		t.Errorf("%d dropped, want %d", o.Dropped(), want)
	}
}

func TestReceiverAsksForKeyframes(t *testing.T) {
	receiver, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = receiver.Close() }()
	o := New(nil, quiet)
	defer o.Close()
	asked := make(chan struct{}, 1000)
	f, err := o.Listen(receiver.LocalAddr().(*net.UDPAddr).AddrPort(), func(uint32) { asked <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := receiver.SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var from netip.AddrPort
	for range 2 { // Janus, 1.1.2 and 1.4.2, sends twice a header that is empty but for its version
		var n int
		b := make([]byte, 100)
		n, from, err = receiver.ReadFromUDPAddrPort(b)
		if err != nil || !bytes.Equal(b[:n], []byte{11: 0, 0: 0x80}) || from.Port() != f.Port() {
			t.Fatalf("%x from %v, %v", b[:n], from, err)
		}
	}
	pli, err := (&rtcp.PictureLossIndication{MediaSSRC: 1}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{{}, []byte("nonsense"), pli} {
		if _, err := receiver.WriteToUDPAddrPort(b, from); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-asked:
	case <-time.After(15 * time.Second):
		t.Fatal("not asked")
	}
	if len(asked) != 0 {
		t.Error("asked again")
	}
}

func FuzzFeedback(f *testing.F) {
	pli, _ := (&rtcp.PictureLossIndication{MediaSSRC: 1}).Marshal()
	fir, _ := (&rtcp.FullIntraRequest{MediaSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 1}}}).Marshal()
	for _, b := range [][]byte{nil, pli, fir, {0x80}, pli[:8]} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(keyframesWanted(b)) > len(b)/8 {
			t.Errorf("%x asks for a key frame", b)
		}
	})
}
