package transport

import (
	"log/slog"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// settle lets idle workers read their mail until all is done.
func settle(now time.Duration, workers ...*Worker) {
	for range 3 {
		for _, w := range workers {
			w.readMail(now)
		}
	}
}

func TestDatagramsReachTheirPeerWhereverTheyArrive(t *testing.T) {
	workers := idleWorkers(t, 3)
	owner, arrival := workers[2], workers[0]
	conn, from := far(t)
	var arrived []time.Duration
	h := &listener{rtp: func(_ []byte, now time.Duration) { arrived = append(arrived, now) }}
	p := owner.NewPeer(h, slog.New(slog.DiscardHandler))
	k := testKeys(t, srtp.ProtectionProfileAeadAes128Gcm)
	if err := p.useKeys(k); err != nil {
		t.Fatal(err)
	}
	endpoint, err := srtp.CreateContext(k.remoteKey, k.remoteSalt, k.profile)
	if err != nil {
		t.Fatal(err)
	}
	media := func(seq uint16) []byte {
		b, err := endpoint.EncryptRTP(nil, plainPacket(seq, 100), nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}

	arrival.receive(from, media(1), time.Second) // before the check: it is nobody's
	arrival.receive(from, check(t, p.Credentials(), useCandidate), time.Second)
	arrival.flush(time.Second)
	settle(time.Second, workers...)
	if _, ok := answerTo(t, conn); !ok || !p.owns(from) || p.selected != from {
		t.Fatal("the check is not answered")
	}
	arrival.receive(from, media(2), 2*time.Second)
	arrival.receive(from, media(3), 2*time.Second)
	arrival.flush(2 * time.Second)
	if n := len(owner.mail.queue); n != 1 {
		t.Errorf("%d pieces of mail for a burst", n)
	}
	settle(3*time.Second, workers...)
	if len(arrived) != 2 || arrived[0] != 2*time.Second {
		t.Errorf("arrived at %v", arrived)
	}
	if c := arrival.inbound; c.HandedOver != 3 || c.Drops[DropUnknownPath] != 1 {
		t.Errorf("%d handed over, drops %v", c.HandedOver, c.Drops)
	}

	p.Close()
	settle(3*time.Second, workers...)
	if len(arrival.foreign)+len(owner.paths)+len(p.w.group.known.claims)+len(p.w.group.known.ufrags) != 0 {
		t.Error("something is left of a closed peer")
	}
}

func TestPathIsOneOwnersAmongAllWorkers(t *testing.T) {
	const start = time.Minute
	workers := idleWorkers(t, 3)
	arrival := workers[0]
	conn, from := far(t)
	first := workers[1].NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	checkFor := func(p *Peer, now time.Duration) (answered bool) {
		arrival.receive(from, check(t, p.Credentials(), useCandidate), now)
		arrival.flush(now)
		settle(now, workers...)
		_, answered = answerTo(t, conn)
		return answered
	}
	if !checkFor(first, start) {
		t.Fatal("not answered")
	}
	for i, w := range []*Worker{workers[2], workers[0]} {
		now := start + time.Duration(i)*pathHeld
		second := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
		if checkFor(second, now+pathHeld-1) {
			t.Error("a path is taken from an owner that uses it")
		}
		if !checkFor(second, now+pathHeld) || !second.owns(from) || first.owns(from) || first.selected.valid() {
			t.Error("a path is not taken from an owner that is silent")
		}
		if w == arrival {
			if arrival.paths[from].owner != second {
				t.Error("datagrams go elsewhere")
			}
		} else if arrival.foreign[from].owner != second {
			t.Error("datagrams go elsewhere")
		}
		first = second
	}
}

func TestHandingOverIsBoundedAndAllocatesNothing(t *testing.T) {
	workers := idleWorkers(t, 2)
	_, from := far(t)
	p := workers[1].NewPeer(&listener{}, slog.New(slog.DiscardHandler))
	b := check(t, p.Credentials())
	workers[0].receive(from, b, 1)
	workers[0].flush(1)
	settle(1, workers...)
	packet := plainPacket(1, 1000)
	burst := func() {
		for range 10 {
			workers[0].receive(from, packet, 1)
		}
		workers[0].flush(1)
	}
	for range maxUnderWay + 2 {
		burst()
	}
	if got := workers[0].inbound.Drops[DropHandOverFull]; got != 20 {
		t.Errorf("%d dropped", got)
	}
	settle(1, workers...)
	if got := workers[1].inbound.Drops[DropNotReady]; got != 10*maxUnderWay {
		t.Errorf("%d came", got)
	}
	if allocs := testing.AllocsPerRun(100, func() { burst(); settle(1, workers...) }); allocs > 0 && !raceDetector {
		t.Errorf("%v allocations a burst", allocs)
	}
}

func TestWhoPokesHasNoPrecedenceOverTheSocket(t *testing.T) {
	g := runningGroup(t, Config{Workers: 1})
	w := g.workers[0]
	var again func(time.Duration)
	again = func(time.Duration) { w.Post(again) }
	var p *Peer
	if err := w.Do(t.Context(), func(now time.Duration) {
		p = w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
		again(now)
	}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Do(t.Context(), func(time.Duration) { again = func(time.Duration) {} }); err != nil {
			t.Error(err)
		}
	}()
	conn, _ := far(t)
	if _, err := conn.WriteTo(check(t, p.Credentials()), g.address()); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1500)); err != nil {
		t.Error(err)
	}
}

func TestPortOfAnotherProgramIsNotShared(t *testing.T) {
	g := runningGroup(t, Config{Workers: 2})
	if other, err := Listen(Config{Port: g.Port(), Workers: 2, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("two groups have one port")
		_ = other.closeListeners()
	}
}
