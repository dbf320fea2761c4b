package transport

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// relayTaker notes what comes by a relay.
type relayTaker struct {
	numbers []uint64
	plain   [][]byte
}

func (r *relayTaker) Relayed(number uint64, plain []byte, _ time.Duration) {
	r.numbers, r.plain = append(r.numbers, number), append(r.plain, slices.Clone(plain))
}

// relayed returns the datagram that s would send.
func (s *RelaySender) relayed(t testing.TB, plain []byte) []byte {
	t.Helper()
	s.w.socket.pending.reset()
	if s.Send(append(s.Buffer(), plain...)) == 0 {
		t.Fatal("not sent")
	}
	return slices.Clone(s.w.socket.pending.data(&s.w.socket.pending.runs[0]))
}

// relaying is a sender, and a receiver with the same key on another port of that many workers.
func relaying(t testing.TB, workers int) (*RelaySender, *RelayReceiver, *relayTaker) {
	t.Helper()
	taker := &relayTaker{}
	far := idleWorkers(t, workers)
	r := far[workers-1].NewRelayReceiver(taker)
	key := NewRelayKey()
	if err := r.Use(key); err != nil {
		t.Fatal(err)
	}
	s, err := idleWorker(t).NewRelaySender(far[0].socket.local(), r.Relay(), key)
	if err != nil {
		t.Fatal(err)
	}
	return s, r, taker
}

func TestRelayedDatagramsAreTakenOnce(t *testing.T) {
	s, r, taker := relaying(t, 1)
	var sent [][]byte
	for n := range byte(10) {
		sent = append(sent, s.relayed(t, []byte{n}))
	}
	for _, i := range []int{0, 2, 1, 1, 9, 3, 9, 0} {
		r.w.receive(path{}, slices.Clone(sent[i]), 0)
	}
	if !slices.Equal(taker.numbers, []uint64{1, 3, 2, 10, 4}) || !bytes.Equal(slices.Concat(taker.plain...), []byte{0, 2, 1, 9, 3}) {
		t.Errorf("%v, %v", taker.numbers, taker.plain)
	}
	if got := r.w.inbound.Drops[DropRelayReplayed]; got != 3 {
		t.Errorf("%d repeats", got)
	}
	if in := r.w.inbound; in.RelayedIn != 5 || s.w.inbound.RelayedOut != 10 {
		t.Errorf("%d in, %d out", in.RelayedIn, s.w.inbound.RelayedOut)
	}
}

func TestForgedDatagramsOfARelayAreDropped(t *testing.T) {
	s, r, taker := relaying(t, 1)
	good := s.relayed(t, []byte("what is said"))
	for i := range good {
		for _, bit := range []byte{1, 0x80} {
			bad := slices.Clone(good)
			bad[i] ^= bit
			r.w.receive(path{}, bad, 0)
		}
	}
	for n := range len(good) {
		r.w.receive(path{}, slices.Clone(good[:n]), 0)
	}
	if len(taker.numbers) != 0 {
		t.Errorf("taken: %v", taker.numbers)
	}
	for _, why := range []Drop{DropRelayForged, DropRelayUnknown, DropRelayMalformed} {
		if r.w.inbound.Drops[why] == 0 {
			t.Errorf("none is %v", why)
		}
	}
	r.w.receive(path{}, slices.Clone(good), 0)
	if len(taker.numbers) != 1 {
		t.Error("the good one is not taken after the bad ones")
	}
	r.Close()
	r.w.receive(path{}, s.relayed(t, nil), 0)
	if len(taker.numbers) != 1 {
		t.Error("taken after the end")
	}
}

func TestARelayWithoutItsKeyTakesNothing(t *testing.T) {
	s, other, _ := relaying(t, 1)
	taker := &relayTaker{}
	r := other.w.NewRelayReceiver(taker)
	s.relay = r.Relay()
	b := s.relayed(t, []byte("early"))
	r.w.receive(path{}, b, 0)
	if len(taker.numbers) != 0 || r.w.inbound.Drops[DropRelayNotReady] != 1 {
		t.Errorf("%v, %v", taker.numbers, r.w.inbound.Drops)
	}
}

func TestRelayedDatagramsFindTheirWorker(t *testing.T) {
	s, r, taker := relaying(t, 3)
	first := r.w.group.workers[0]
	first.readMail(0) // is told of the relay
	first.receive(path{}, s.relayed(t, []byte("a")), 0)
	first.flush(0)
	r.w.readMail(0)
	if !slices.Equal(taker.numbers, []uint64{1}) {
		t.Errorf("%v", taker.numbers)
	}
	r.Close()
	first.readMail(0)
	if len(first.foreignRelays) != 0 {
		t.Error("a relay that has ended is known still")
	}
}

// TestALargePacketFitsIntoARelay: the largest that a node takes, with what is said of it.
func TestALargePacketFitsIntoARelay(t *testing.T) {
	s, r, taker := relaying(t, 1)
	r.w.receive(path{}, s.relayed(t, make([]byte, MaxRelayed)), 0)
	if len(taker.plain) != 1 || len(taker.plain[0]) != MaxRelayed {
		t.Error("not taken")
	}
	if s.Send(append(s.Buffer(), make([]byte, MaxRelayed+1)...)) != 0 || s.w.inbound.Drops[DropRelayTooLarge] != 1 {
		t.Error("what is too large is sent")
	}
	for n, want := range map[int]bool{maxDatagram: true, maxDatagram + 1: false} {
		if complete(make([]byte, n)) != want {
			t.Errorf("%d bytes of no relay", n)
		}
	}
	for n, want := range map[int]bool{maxRelayed: true, maxRelayed + 1: false} {
		if b := make([]byte, n); true {
			if b[0] = relayFirstByte; complete(b) != want {
				t.Errorf("%d bytes of a relay", n)
			}
		}
	}
}

func TestRelayingAllocatesNothing(t *testing.T) {
	s, r, _ := relaying(t, 1)
	quiet := new(quietTaker)
	r.handler = quiet
	plain := make([]byte, 1000)
	b := make([]byte, maxRelayed)
	if n := testing.AllocsPerRun(100, func() {
		s.w.socket.pending.reset()
		s.Send(append(s.Buffer(), plain...))
		sent := s.w.socket.pending.data(&s.w.socket.pending.runs[0])
		r.w.receive(path{}, b[:copy(b, sent)], 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if quiet.taken != 101 {
		t.Errorf("%d taken", quiet.taken)
	}
}

type quietTaker struct{ taken int }

func (q *quietTaker) Relayed(uint64, []byte, time.Duration) { q.taken++ }

func FuzzRelayed(f *testing.F) {
	s, r, taker := relaying(f, 1)
	r.relay = 7 // a fixed one, so that inputs can be repeated
	r.w.relays[7] = r
	s.relay = 7
	seed := s.relayed(f, []byte("a"))
	seed[len(seed)-1] ^= 1
	f.Add(seed)
	f.Add([]byte{relayFirstByte})
	f.Fuzz(func(t *testing.T, b []byte) {
		taker.numbers = nil
		if len(b) > 0 {
			b[0] = relayFirstByte
		}
		r.w.receive(path{}, b, 0)
		if len(taker.numbers) > 0 {
			t.Errorf("%x is authentic", b)
		}
	})
}
