package rtpreceive

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRangeOfPorts(t *testing.T) {
	for text, want := range map[string]Ports{
		"20000-20999": {20000, 20999}, "5": {5, 5}, "": {}, "x": {}, "5-4": {}, "0-4": {}, "1-65536": {}, "-5": {}, "1-2-3": {},
	} {
		var p Ports
		if err := p.UnmarshalText([]byte(text)); (err == nil) != (want != Ports{}) || err == nil && p != want {
			t.Errorf("%q is %v, %v", text, p, err)
		}
	}
}

func inlet(t *testing.T, ports Ports) *Inlet {
	i := New(Config{
		From: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Address: netip.MustParseAddr("127.0.0.1"), Ports: ports,
		Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(i.Close)
	return i
}

func TestPortsComeToAnEnd(t *testing.T) {
	i := inlet(t, Ports{31900, 31903})
	var open []*Port
	for {
		p, err := i.Open("", 0, rtpforward.Crypto{}, func() {})
		if err != nil {
			if fault.Of(err) != fault.TooBusy {
				t.Error(err)
			}
			break
		}
		open = append(open, p)
		if len(open) > 2 {
			t.Fatal("more ports than there are")
		}
	}
	for _, p := range open {
		p.Close()
	}
}

// Who looks for a port keeps nobody else from it.
func TestPortsAreLookedForAtOnce(t *testing.T) {
	i := inlet(t, Ports{31904, 31907})
	searching, found := make(chan struct{}), make(chan struct{})
	var search sync.WaitGroup
	search.Go(func() {
		err := i.each(func(uint16) error {
			close(searching)
			<-found
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-searching
	if err := i.each(func(uint16) error { return nil }); err != nil {
		t.Error(err)
	}
	close(found)
	search.Wait()
}

// What nobody takes is dropped, and what is taken is in order.
func TestWhatIsNotTakenIsDropped(t *testing.T) {
	i := inlet(t, Ports{31910, 31950})
	ready := make(chan struct{}, 10000)
	p, err := i.Open("", 0, rtpforward.Crypto{}, func() { ready <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	conn, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(p.RTP())})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	packet := make([]byte, 100)
	packet[0] = 0x80
	for deadline := time.Now().Add(30 * time.Second); i.Dropped(Full) == 0; packet[1]++ {
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is dropped")
		}
	}
	if len(ready) != 1 {
		t.Errorf("ready %d times", len(ready))
	}
	if got := p.Take(); len(got) != maxWaiting || len(got[0]) != 100 {
		t.Errorf("%d packets", len(got))
	}
	// Again and again: what comes while the socket's buffer is still full is lost before anybody could count it.
	for deadline := time.Now().Add(30 * time.Second); i.Dropped(Malformed) == 0; time.Sleep(10 * time.Millisecond) {
		if _, err := conn.Write([]byte("no RTP")); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("not counted")
		}
	}
}

func FuzzPorts(f *testing.F) {
	for _, text := range []string{"", "1-2", "x-y", "65535"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p Ports
		if p.UnmarshalText([]byte(text)) == nil && (p.First == 0 || p.Last < p.First) {
			t.Errorf("%q is %v", text, p)
		}
	})
}
