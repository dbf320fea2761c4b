package endpoint

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

var (
	first  = netip.MustParseAddrPort("192.0.2.1:10000")
	second = netip.MustParseAddrPort("192.0.2.2:10000")
)

// answerTo is what a server that is lite says to a check.
func answerTo(t *testing.T, c *connectivity, check []byte, from netip.AddrPort) []byte {
	t.Helper()
	m := &stun.Message{Raw: check}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	b, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())},
		stun.NewShortTermIntegrity(c.remote.password), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return b.Raw
}

func TestACandidateOfHigherPriorityIsFollowedOnceItAnswers(t *testing.T) {
	type sent struct {
		b  []byte
		to netip.AddrPort
	}
	var out []sent
	c := newConnectivity(newCredentials(), newCredentials(), func(b []byte, to netip.AddrPort) { out = append(out, sent{slices.Clone(b), to}) })
	now := time.Now()
	step := func(answers netip.AddrPort) (changed bool) {
		out = nil
		c.tick(now)
		for _, s := range slices.Clone(out) {
			if s.to == answers {
				changed = c.receive(answerTo(t, c, s.b, s.to), s.to, now) || changed
			}
		}
		return changed
	}
	if err := c.add("candidate:1 1 udp 100 192.0.2.1 10000 typ host"); err != nil {
		t.Fatal(err)
	}
	if !step(first) || c.selected != first {
		t.Fatalf("selected %v", c.selected)
	}
	if err := c.add("1 1 udp 200 192.0.2.2 10000 typ host"); err != nil {
		t.Fatal(err)
	}
	if step(first) || c.selected != first {
		t.Errorf("%v is selected before it answers", c.selected)
	}
	if !step(second) || c.selected != second {
		t.Errorf("selected %v", c.selected)
	}
	if err := c.add("1 1 udp 150 192.0.2.1 10000 typ host"); err != nil {
		t.Fatal(err)
	}
	if step(first) || c.selected != second {
		t.Errorf("goes back to %v, which is worse", c.selected)
	}
	if forged := answerTo(t, &connectivity{remote: newCredentials()}, out0(c), first); c.receive(forged, first, now) {
		t.Error("an answer under another password counts")
	}
}

// out0 is some check.
func out0(c *connectivity) (b []byte) {
	d := *c
	d.send = func(out []byte, _ netip.AddrPort) { b = out }
	d.check(first, false)
	return b
}

func TestAnIndexThatIsUsedTwiceIsNoticed(t *testing.T) {
	var x indexes
	take := func(seq uint16, packet string) usage {
		u, _ := x.take(x.extend(seq), []byte(packet), first, time.Now())
		return u
	}
	for i, step := range []struct {
		seq    uint16
		packet string
		want   usage
	}{
		{65534, "a", fresh}, {65535, "b", fresh}, {0, "c", fresh}, {65535, "b", repeated}, {0, "d", reused}, {1, "d", fresh}, {65534, "x", reused},
	} {
		if got := take(step.seq, step.packet); got != step.want {
			t.Errorf("step %d: %d, not %d", i, got, step.want)
		}
	}
	for n := range 2 * remembered {
		x.take(1<<20+uint64(n), []byte("p"), first, time.Now())
	}
	if len(x.used) != remembered || len(x.order) != remembered {
		t.Errorf("%d and %d are remembered", len(x.used), len(x.order))
	}
}

func TestAGapThatLastsStillIsOne(t *testing.T) {
	now := time.Now()
	x := &transport{flows: map[uint32]*flow{1: {kind: Sound}, 2: {kind: Pictures}}}
	x.flows[1].came(now)
	x.flows[1].came(now.Add(20 * time.Millisecond))
	x.flows[2].came(now)
	s := x.see(now.Add(time.Second))
	if s.Sound != 980*time.Millisecond || s.Pictures != time.Second || s.Waiting != time.Second || s.Flows != 2 {
		t.Errorf("%+v", s)
	}
	x.flows[2].came(now.Add(time.Second))
	x.reset()
	if s := x.see(now.Add(time.Second)); s.Pictures != 0 || s.Sound != 980*time.Millisecond {
		t.Errorf("%+v", s)
	}
}

const serverSDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0 1\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA\r\na=rtpmap:111 opus/48000/2\r\n" +
	"a=candidate:1 1 udp 100 192.0.2.1 10000 typ host\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n" +
	"m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\n"

func TestAnAnswerTakesWhatIsOffered(t *testing.T) {
	r, err := readSDP(serverSDP)
	if err != nil {
		t.Fatal(err)
	}
	if r.kinds[111] != Sound || r.kinds[96] != Pictures || r.kinds[97] != 0 || len(r.candidates) != 1 {
		t.Errorf("%+v", r)
	}
	answer := r.answer(credentials{"me", "secret"}, "sha-256 BB")
	for _, want := range []string{"a=group:BUNDLE 0 1\r\n", "a=setup:active", "a=recvonly", "a=rtcp-fb:96 nack pli\r\n", "m=video 0 "} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in %s", want, answer)
		}
	}
	if strings.Contains(answer, "a=rtcp-fb:96 nack\r\n") {
		t.Error("NACK is promised")
	}
}

func FuzzReadSDP(f *testing.F) {
	f.Add(serverSDP)
	f.Add(offer(credentials{"u", "p"}, "sha-256 AA", 1, 2))
	f.Fuzz(func(_ *testing.T, sdp string) {
		if r, err := readSDP(sdp); err == nil {
			_ = r.answer(r.credentials, r.fingerprint)
		}
	})
}

func FuzzDatagrams(f *testing.F) {
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, "1 1 udp 100 192.0.2.1 10000 typ host")
	c := newConnectivity(newCredentials(), newCredentials(), func([]byte, netip.AddrPort) {})
	f.Fuzz(func(_ *testing.T, b []byte, candidate string) {
		header(b)
		_ = c.add(candidate)
		c.receive(b, first, time.Time{})
	})
}
