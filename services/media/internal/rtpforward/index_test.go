package rtpforward

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

var somewhere = netip.MustParseAddrPort("192.0.2.1:9")

var someKey = Crypto{Suite: 80, Key: []byte("0123456789abcdefghijklmnopqrst")}

func TestNumbersAreUsedOnce(t *testing.T) {
	var x indexes
	s := stream{keyOf(&someKey), 7}
	n, err := x.claim(s, somewhere, "")
	if err != nil {
		t.Fatal(err)
	}
	sent := func(seq uint16) int {
		out, ok := n.number(seq)
		if !ok {
			return -1
		}
		return int(uint16(out))
	}
	for _, c := range []struct {
		what string
		seq  uint16
		want int
	}{
		{"the first keeps its number", 65534, 65534}, {"so does the next", 65535, 65535}, {"over the wrap", 0, 0},
		{"a gap stays", 5, 5}, {"late", 3, 3}, {"late again", 3, -1}, {"again", 5, -1}, {"too late", 65000, -1},
		{"another source goes on", 30000, 6}, {"and on", 30001, 7}, {"another", 0, 8},
	} {
		if got := sent(c.seq); got != c.want {
			t.Errorf("%s: %d is sent as %d, not %d", c.what, c.seq, got, c.want)
		}
	}
	if _, err := x.claim(s, somewhere, ""); fault.Of(err) != fault.BadElement {
		t.Errorf("claimed twice: %v", err)
	}
	if _, err := x.claim(stream{s.key, 8}, somewhere, ""); err != nil {
		t.Errorf("another SSRC: %v", err)
	}
	n.end()
	if sent(1) != -1 {
		t.Error("numbered after its end")
	}
	if _, err := x.claim(s, somewhere, ""); fault.Of(err) != fault.BadElement {
		t.Errorf("a key whose rollover counter nobody can know: %v", err)
	}
}

func TestStreamGoesOnWhereItEnded(t *testing.T) {
	var x indexes
	s := stream{keyOf(&someKey), 7}
	n, err := x.claim(s, somewhere, "")
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint16(100) {
		n.number(seq)
	}
	n.end()
	again, err := x.claim(s, somewhere, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint16(10) {
		if got, ok := again.number(50 + i); !ok || got != 100+int64(i) {
			t.Errorf("%d is sent as %d %t", 50+i, got, ok)
		}
	}
}

// A source that begins anew a little below where it was, is told from one whose packets come again.
func TestSourceThatBeginsAnewJustBelow(t *testing.T) {
	var x indexes
	n, err := x.claim(stream{}, somewhere, "")
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint16(3000) {
		n.number(seq)
	}
	lost := 0
	for i := range uint16(20) {
		if _, ok := n.number(500 + i); !ok {
			lost++
		}
	}
	if lost >= strays {
		t.Errorf("%d packets are lost", lost)
	}
}

func TestOldStreamsAreForgotten(t *testing.T) {
	var x indexes
	before := x.keeper()
	kept, err := x.claim(stream{ssrc: 1 << 31}, somewhere, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(maxStreams + 10) {
		n, err := x.claim(stream{ssrc: i}, somewhere, "")
		if err != nil {
			t.Fatal(err)
		}
		n.end()
	}
	if x.keeper() == before {
		t.Error("who knew all knows all still")
	}
	if len(x.known) > maxStreams || len(x.order) != len(x.known) {
		t.Errorf("%d are known, %d in order", len(x.known), len(x.order))
	}
	if _, ok := kept.number(1); !ok || x.known[stream{ssrc: 1 << 31}] != kept {
		t.Error("one that is in use was forgotten")
	}
}

// TestResumedStreamGoesOnBeyondTheWrap: who had a stream before can follow it, whatever its rollover counter, and nobody else.
func TestResumedStreamGoesOnBeyondTheWrap(t *testing.T) {
	var x indexes
	keeper, s := x.keeper(), stream{keyOf(&someKey), 7}
	n, err := x.claim(s, somewhere, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 70000 {
		n.number(uint16(i))
	}
	if _, err := x.claim(s, somewhere, keeper); fault.Of(err) != fault.BadElement {
		t.Errorf("resumed while another has it: %v", err)
	}
	n.end()
	elsewhere := netip.MustParseAddrPort("192.0.2.2:9")
	for what, refused := range map[string]error{
		"begun":               second(x.claim(s, somewhere, "")),
		"resumed elsewhere":   second(x.claim(s, elsewhere, keeper)),
		"of another's memory": second(new(indexes).claim(s, somewhere, keeper)),
	} {
		if fault.Of(refused) != fault.BadElement {
			t.Errorf("%s: %v", what, refused)
		}
	}
	n, err = x.claim(s, somewhere, keeper)
	if err != nil {
		t.Fatal(err)
	}
	if index, ok := n.number(5); !ok || index != 70000 {
		t.Errorf("goes on with %d %t", index, ok)
	}
	n.end()
	if _, err := x.claim(stream{s.key, 8}, elsewhere, keeper); err != nil {
		t.Errorf("one that it did not have before: %v", err)
	}
	x.known[s].end()
	x.lost++ // as forget does
	if _, err := x.claim(s, somewhere, keeper); fault.Of(err) != fault.BadElement {
		t.Errorf("after something was forgotten: %v", err)
	}
}

func second(_ *numbers, err error) error { return err }

// TestRestartedSourceDecrypts: whoever receives follows a source that begins anew, with the SSRC that was given for it.
func TestRestartedSourceDecrypts(t *testing.T) {
	receiver, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = receiver.Close() }()
	o := New(nil, quiet)
	defer o.Close()
	s, err := o.Open(quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.Port(receiver.LocalAddr().(*net.UDPAddr).AddrPort(), someKey, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := s.Port(p.to, someKey, 7); fault.Of(err) != fault.BadElement {
		t.Errorf("the same key and SSRC at once: %v", err)
	}
	context, err := srtp.CreateContext(someKey.Key[:16], someKey.Key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80, srtp.SRTPReplayProtection(64))
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	seen := map[uint16]bool{}
	for _, first := range []uint16{65530, 40, 50000, 10000} {
		for i := range uint16(10) {
			h := packet.Header{SSRC: 7, Seq: first + i}
			p.SendRTP(packet.AppendHeader(p.Buffer(), &h, &packet.ExtensionIDs{}, &packet.Extensions{}), []byte{byte(i)})
			b := make([]byte, 1500)
			n, _, err := receiver.ReadFromUDPAddrPort(b)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := context.DecryptRTP(nil, b[:n], nil)
			if err != nil {
				t.Fatalf("packet %d after %d: %v", i, first, err)
			}
			seq := binary.BigEndian.Uint16(plain[2:])
			if seen[seq] || plain[len(plain)-1] != byte(i) {
				t.Errorf("number %d again, or other than sent: %x", seq, plain)
			}
			seen[seq] = true
		}
	}
}

func FuzzNumbers(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		var x indexes
		n, err := x.claim(stream{}, somewhere, "")
		if err != nil {
			t.Fatal(err)
		}
		used := map[int64]bool{}
		for ; len(b) >= 2; b = b[2:] {
			before := n.highest
			out, ok := n.number(binary.BigEndian.Uint16(b))
			if !ok {
				continue
			}
			index := int64(packet.Nearest(uint64(max(before, 0))+1<<32, uint16(out))) - 1<<32
			if before >= 0 && index != out {
				t.Fatalf("index %d is seen as %d", out, index)
			}
			if before >= 0 && used[index] {
				t.Fatalf("index %d twice", index)
			}
			used[index] = true
		}
	})
}

// What still waits of a destination that has ended does not go out under the numbers of the next one of that key.
func TestNothingGoesOutAfterTheEnd(t *testing.T) {
	o := New(nil, quiet)
	defer o.Close()
	s := &Socket{outlet: o, queue: make(chan datagram, 1)}
	first, err := s.Port(netip.MustParseAddrPort("127.0.0.1:9"), someKey, 7)
	if err != nil {
		t.Fatal(err)
	}
	packet := packet.AppendHeader(nil, &packet.Header{SSRC: 7, Seq: 5}, &packet.ExtensionIDs{}, &packet.Extensions{})
	if _, err := first.encrypt(nil, packet); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := s.Port(first.to, someKey, 7); err != nil {
		t.Fatal(err)
	}
	if _, err := first.encrypt(nil, packet); err == nil {
		t.Error("encrypted under the numbers of another")
	}
}
