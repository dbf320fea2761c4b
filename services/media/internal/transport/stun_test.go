package transport

import (
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// check is a binding request of an endpoint.
func check(t testing.TB, c Credentials, extra ...stun.Setter) []byte {
	t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.Ufrag + ":remote")}, extra...)
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(c.Pwd), stun.Fingerprint)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func answerTo(t *testing.T, conn *net.UDPConn) (*stun.Message, bool) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1500)
	n, err := conn.Read(b)
	if err != nil {
		return nil, false
	}
	m := &stun.Message{Raw: b[:n]}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	return m, true
}

var useCandidate = stun.RawAttribute{Type: stun.AttrUseCandidate}

func TestChecks(t *testing.T) {
	w := idleWorker(t)
	conn, from := far(t)
	p := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	good := p.Credentials()
	bad := Credentials{Ufrag: good.Ufrag, Pwd: "not the password of this peer"}
	for _, c := range []struct {
		name   string
		b      []byte
		answer stun.MessageType
		known  bool // the address counts as the peer's
	}{
		{"of nobody", check(t, Credentials{Ufrag: "nobody", Pwd: good.Pwd}), stun.MessageType{}, false},
		{"with a wrong password", check(t, bad), stun.MessageType{}, false},
		{"without a fingerprint", check(t, good)[:len(check(t, good))-8], stun.MessageType{}, false},
		{"of one that does not control", check(t, good, stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}), stun.BindingError, false},
		{"that is good", check(t, good), stun.BindingSuccess, true},
	} {
		w.receive(from, c.b, 1)
		m, ok := answerTo(t, conn)
		if ok != (c.answer != stun.MessageType{}) || ok && m.Type != c.answer {
			t.Errorf("check %s: answer %v", c.name, m)
		}
		if ok && stun.NewShortTermIntegrity(good.Pwd).Check(m) != nil {
			t.Errorf("check %s: answer without integrity", c.name)
		}
		if _, known := w.paths[from]; known != c.known {
			t.Errorf("check %s: address known: %v", c.name, known)
		}
	}
}

func TestNominatedAddressIsFollowed(t *testing.T) {
	w := idleWorker(t)
	_, first := far(t)
	_, second := far(t)
	p := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	w.receive(first, check(t, p.Credentials(), useCandidate), 1)
	w.receive(second, check(t, p.Credentials()), 2)
	if p.selected != first {
		t.Error("an address was taken that was not nominated")
	}
	w.receive(second, check(t, p.Credentials(), useCandidate), 3)
	if p.selected != second {
		t.Error("a nominated address was not taken")
	}
}

func TestOldCredentialsServeUntilTheNewAreUsed(t *testing.T) {
	w := idleWorker(t)
	_, from := far(t)
	p := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	before := p.Credentials()
	after := p.RestartICE()
	for _, c := range []struct {
		use  Credentials
		good bool
	}{{before, true}, {after, true}, {before, false}} {
		heard := p.heard
		w.receive(from, check(t, c.use), heard+1)
		if good := p.heard != heard; good != c.good {
			t.Errorf("check with %s: good is %v", c.use.Ufrag, good)
		}
	}
	p.Close()
	if len(w.peers)+len(w.paths)+len(w.live) != 0 {
		t.Error("a closed peer is still known")
	}
}

func TestPathIsToldAgainAfterARestart(t *testing.T) {
	w := idleWorker(t)
	_, from := far(t)
	l := &listener{}
	p := w.NewPeer(l, slog.New(slog.DiscardHandler))
	before, after := p.Credentials(), p.RestartICE()
	for i, c := range []struct {
		use  Credentials
		told int
	}{{before, 1}, {before, 1}, {after, 2}, {after, 2}} {
		w.receive(from, check(t, c.use, useCandidate), time.Duration(i+1))
		if len(l.selected) != c.told {
			t.Errorf("after check %d the path was told %d times", i, len(l.selected))
		}
	}
	p.Close()
}

func TestCredentialsInUseOutliveRestartsOnTheWay(t *testing.T) {
	w := idleWorker(t)
	_, from := far(t)
	p := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	used := p.Credentials()
	between := p.RestartICE()
	newest := p.RestartICE()
	for i, c := range []struct {
		use  Credentials
		good bool
	}{{used, true}, {between, false}, {newest, true}, {used, false}} {
		heard := p.heard
		w.receive(from, check(t, c.use), heard+1)
		if good := p.heard != heard; good != c.good {
			t.Errorf("check %d: good is %v", i, good)
		}
	}
	if len(p.keys) != 1 || len(w.peers) != 1 {
		t.Errorf("%d and %d pairs are known", len(p.keys), len(w.peers))
	}
}

func TestSilenceEndsAPeer(t *testing.T) {
	remote := Remote{Fingerprint: "sha-256 00"}
	for _, c := range []struct {
		name  string
		heard time.Duration
		quiet time.Duration // time at which it has not ended
		ended time.Duration
	}{
		{"never heard", 0, connectTimeout, connectTimeout + 1 + tick},
		{"no longer heard", 10 * time.Second, 10*time.Second + consentTimeout - 1, 10*time.Second + consentTimeout + tick},
	} {
		w := idleWorker(t)
		_, from := far(t)
		l := &listener{}
		p := w.NewPeer(l, slog.New(slog.DiscardHandler))
		p.Start(remote, 1)
		if c.heard != 0 {
			w.receive(from, check(t, p.Credentials()), c.heard)
		}
		w.wheel.turn(c.quiet)
		if l.closed != "" {
			t.Errorf("%s: %q too early", c.name, l.closed)
		}
		w.wheel.turn(c.ended)
		if l.closed != reasonICEFailed {
			t.Errorf("%s: %q", c.name, l.closed)
		}
	}
}

func TestTooManyChecksAreNotLookedAt(t *testing.T) {
	w := idleWorker(t)
	_, from := far(t)
	p := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	b := check(t, p.Credentials())
	for range maxChecksPerSecond + 5 {
		w.receive(from, b, time.Second)
	}
	if got := w.inbound.Drops[DropBadSTUN]; got != 5 {
		t.Errorf("%d dropped", got)
	}
}

func TestForgedChecksTakeNothingFromThePeer(t *testing.T) {
	w := idleWorker(t)
	_, from := far(t)
	_, later := far(t)
	p := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	w.receive(from, check(t, p.Credentials()), time.Second)
	forger := path{addr: netip.MustParseAddrPort("192.0.2.1:1")}
	forged := check(t, Credentials{Ufrag: p.Credentials().Ufrag, Pwd: "not the password of this peer"})
	for range 2 * maxChecksPerSecond {
		w.receive(forger, forged, time.Second)
		w.receive(from, forged, time.Second) // or so it says
	}
	w.receive(from, check(t, p.Credentials()), time.Second+1)
	if p.heard != time.Second+1 {
		t.Error("the peer is not heard")
	}
	if w.receive(forger, check(t, p.Credentials()), time.Second+1); p.owns(forger) {
		t.Error("who has forged so many is heard")
	}
	if w.receive(later, check(t, p.Credentials()), 2*time.Second+1); !p.owns(later) {
		t.Error("not heard in the next second")
	}
}

func TestForgersAreCountedUpToANumber(t *testing.T) {
	f := failures{counts: map[netip.Addr]int{}}
	addr := netip.MustParseAddr("10.0.0.0")
	for range maxFailingSources + 10 {
		f.count(addr, time.Hour)
		addr = addr.Next()
	}
	if len(f.counts) != maxFailingSources {
		t.Errorf("%d are counted", len(f.counts))
	}
}

func FuzzReceive(f *testing.F) {
	w := idleWorker(f)
	p := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	f.Add(check(f, p.Credentials(), useCandidate))
	f.Add(plainPacket(1, 100))
	from := path{addr: w.socket.local()}
	f.Fuzz(func(_ *testing.T, b []byte) {
		if len(b) <= maxDatagram {
			w.receive(from, b, time.Duration(len(b)))
		}
	})
}
