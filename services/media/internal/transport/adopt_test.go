package transport

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
)

// traveller is an endpoint whose peer moves: its SRTP, and the peer as the first node has it.
type traveller struct {
	in, out *srtp.Context
	heard   []uint16 // sequence numbers that nodes decrypted
	first   *Peer
}

func newTraveller(t *testing.T, w *Worker) *traveller {
	t.Helper()
	k := testKeys(t, srtp.ProtectionProfileAeadAes256Gcm)
	k.localKey[0] = 1 // the directions differ
	e := new(traveller)
	var err error
	if e.out, err = srtp.CreateContext(k.remoteKey, k.remoteSalt, k.profile); err != nil {
		t.Fatal(err)
	}
	if e.in, err = srtp.CreateContext(k.localKey, k.localSalt, k.profile, srtp.SRTPReplayProtection(64), srtp.SRTCPReplayProtection(64)); err != nil {
		t.Fatal(err)
	}
	e.first = w.NewPeer(e.handler(), slog.New(slog.DiscardHandler))
	if err := e.first.useKeys(k); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *traveller) handler() *listener {
	return &listener{rtp: func(b []byte, _ time.Duration) { e.heard = append(e.heard, binary.BigEndian.Uint16(b[2:])) }}
}

func (e *traveller) sealed(t *testing.T, seq uint16) []byte {
	t.Helper()
	b, err := e.out.EncryptRTP(nil, plainPacket(seq, 100), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnAdoptedPeerReceivesOverAWrap(t *testing.T) {
	for name, order := range map[string][]uint16{
		"next":              {65530, 65531},
		"after the wrap":    {65530, 2, 3},
		"late, from before": {2, 65530, 4},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := idleWorker(t), idleWorker(t)
			_, from := far(t)
			e := newTraveller(t, here)
			e.first.find(from, e.first.local.Ufrag, true, 0)
			here.receive(from, e.sealed(t, 65000), 1)
			packets := map[uint16][]byte{}
			for _, seq := range []uint16{65529, 65530, 65531, 2, 3, 4} { // as the endpoint sends them
				packets[seq] = e.sealed(t, seq)
			}
			here.receive(from, packets[65529], 1)
			if order[0] == 2 && order[1] == 65530 {
				here.receive(from, packets[3], 1) // the other node has seen the wrap
			}
			state, err := e.first.Export(nil, []uint32{7})
			if err != nil {
				t.Fatal(err)
			}
			e.heard = nil
			second, err := there.Adopt(e.handler(), state, func() {}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			there.receive(from, packets[order[0]], 1)
			if len(e.heard) != 0 {
				t.Fatal("takes what comes from where no check came from")
			}
			second.find(from, state.Credentials.Ufrag, true, 1)
			forged := append([]byte{}, packets[order[0]]...)
			forged[20]++
			there.receive(from, forged, 1)
			for _, seq := range order {
				there.receive(from, append([]byte{}, packets[seq]...), 1)
			}
			if len(e.heard) != len(order) {
				t.Errorf("heard %v of %v", e.heard, order)
			}
		})
	}
}

func TestAnAdoptedPeerSendsWhenTheOtherHasStopped(t *testing.T) {
	here, there := idleWorker(t), idleWorker(t)
	conn, to := far(t)
	e := newTraveller(t, here)
	e.first.find(to, e.first.local.Ufrag, true, 0)
	take := func(seq uint16) {
		t.Helper()
		b := make([]byte, 1500)
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(b)
		if err != nil {
			t.Fatalf("packet %d: %v", seq, err)
		}
		plain, err := e.in.DecryptRTP(nil, b[:n], nil)
		if err != nil {
			t.Fatalf("packet %d: %v", seq, err)
		}
		if got := binary.BigEndian.Uint16(plain[2:]); got != seq {
			t.Fatalf("got packet %d, want %d", got, seq)
		}
	}
	send := func(w *Worker, p *Peer, seq uint16) {
		sendWhole(p, plainPacket(seq, 200))
		w.flush(1)
	}
	for _, seq := range []uint16{32000, 64000, 65535} {
		send(here, e.first, seq)
		take(seq)
	}
	arrived := 0
	early, err := e.first.Export([]SentIndex{{SSRC: 7, RTP: 1 << 16}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := there.Adopt(e.handler(), early, func() { arrived++ }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.Adopt(e.handler(), early, func() {}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("one peer was adopted twice")
	}
	second.find(to, early.Credentials.Ufrag, false, 1)
	if arrived != 0 {
		t.Error("arrived before a nomination")
	}
	second.find(to, early.Credentials.Ufrag, true, 1)
	second.find(to, early.Credentials.Ufrag, true, 1)
	if arrived != 1 {
		t.Errorf("arrived %d times", arrived)
	}
	send(there, second, 0)
	if got := there.inbound.Drops[DropNotReady]; got != 1 {
		t.Error("sends before the other node has stopped")
	}
	send(here, e.first, 0)
	take(0)
	last, err := e.first.Export([]SentIndex{{SSRC: 7, RTP: 1<<16 + 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.first.Leave()
	second.Continue(last)
	send(there, second, 1) // under index 2^16 + 1
	take(1)
}

func TestOneWhoSendsHasArrivedWithItsMedia(t *testing.T) {
	here, there := idleWorker(t), idleWorker(t)
	_, from := far(t)
	e := newTraveller(t, here)
	e.first.find(from, e.first.local.Ufrag, true, 0)
	here.receive(from, e.sealed(t, 1), 1)
	state, err := e.first.Export(nil, []uint32{7})
	if err != nil {
		t.Fatal(err)
	}
	for name, arrive := range map[string]func(p *Peer){
		"a packet": func(*Peer) { there.receive(from, e.sealed(t, 2), 2) },
		"silence":  func(*Peer) { there.wheel.turn(switchGrace - 1); there.wheel.turn(switchGrace + 2*tick) },
	} {
		arrived := 0
		p, err := there.Adopt(e.handler(), state, func() { arrived++ }, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		p.find(from, state.Credentials.Ufrag, true, 1)
		if arrived != 0 {
			t.Errorf("%s: arrived with its nomination", name)
		}
		arrive(p)
		if arrived != 1 {
			t.Errorf("%s: arrived %d times", name, arrived)
		}
		p.Leave()
	}
}

// TestOneWhoOnlyReceivesHasArrivedWithItsReports is for endpoints that send on a path before they nominate it.
func TestOneWhoOnlyReceivesHasArrivedWithItsReports(t *testing.T) {
	here, there := idleWorker(t), idleWorker(t)
	_, from := far(t)
	e := newTraveller(t, here)
	state, err := e.first.Export(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	arrived := 0
	p, err := there.Adopt(e.handler(), state, func() { arrived++ }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	report := func() []byte {
		t.Helper()
		plain, err := (&rtcp.ReceiverReport{SSRC: 9}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.out.EncryptRTCP(nil, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	there.receive(from, report(), 1)
	p.find(from, state.Credentials.Ufrag, false, 1) // it checks, but does not nominate
	forged := report()
	forged[10]++
	there.receive(from, forged, 1)
	if arrived != 0 {
		t.Fatal("arrived with what may be anybody's")
	}
	there.receive(from, report(), 1)
	there.receive(from, report(), 1)
	if arrived != 1 {
		t.Errorf("arrived %d times", arrived)
	}
}

func TestOneWhoStaysWithTheOtherNodeIsGivenUp(t *testing.T) {
	here, there := idleWorker(t), idleWorker(t)
	_, from := far(t)
	e := newTraveller(t, here)
	e.first.find(from, e.first.local.Ufrag, true, 0)
	state, err := e.first.Export(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := e.handler()
	began := there.Now()
	p, err := there.Adopt(l, state, func() { t.Error("arrived") }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for at := began; at < began+connectTimeout+3*time.Second; at += time.Second {
		there.wheel.turn(at)
		p.find(from, state.Credentials.Ufrag, false, at) // it checks, but does not nominate
	}
	if l.closed != reasonICEFailed {
		t.Errorf("closed: %q", l.closed)
	}
}

func TestCandidatesGetBetterWithEachMove(t *testing.T) {
	w := idleWorker(t)
	before := w.group.Candidates()
	e := newTraveller(t, w)
	state, err := e.first.Export(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, moves := range []int{0, 1, 30, maxMoves - 1, 1000} {
		state.Moves = moves
		there := idleWorker(t)
		p, err := there.Adopt(e.handler(), state, func() {}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if got, had := candidatePriority(t, p.Candidates()[0]), candidatePriority(t, before[0]); got <= had && moves < maxMoves {
			t.Errorf("after %d moves: priority %d, was %d", moves, got, had)
		}
		for _, c := range p.Candidates() { // what Chromium asks for of an address that it knows
			if !strings.HasSuffix(c, fmt.Sprint(" generation ", moves+1)) {
				t.Errorf("after %d moves: %s", moves, c)
			}
		}
		before = p.Candidates()
	}
}

func candidatePriority(t *testing.T, candidate string) (priority uint32) {
	t.Helper()
	var foundation, component int
	var protocol string
	if _, err := fmt.Sscan(candidate, &foundation, &component, &protocol, &priority); err != nil {
		t.Fatal(err)
	}
	return priority
}

func TestAnAdoptedPeerSendsWhereItsMediaCameFrom(t *testing.T) {
	here, there := idleWorker(t), idleWorker(t)
	_, first := far(t)
	_, second := far(t)
	e := newTraveller(t, here)
	e.first.find(first, e.first.local.Ufrag, true, 0)
	here.receive(first, e.sealed(t, 65000), 1)
	state, err := e.first.Export(nil, []uint32{7})
	if err != nil {
		t.Fatal(err)
	}
	p, err := there.Adopt(e.handler(), state, func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p.find(first, state.Credentials.Ufrag, false, 1) // the endpoint tries all, and has not said yet which it takes
	p.find(second, state.Credentials.Ufrag, false, 1)
	there.receive(second, e.sealed(t, 65001), 2)
	if p.selected != second {
		t.Errorf("sends to %v", p.selected)
	}
}
