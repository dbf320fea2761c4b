package relay

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, want := range []Message{
		{Kind: Packet, Stream: 7, Body: []byte("body")},
		{Kind: State, Stream: 1<<32 - 1, Repeats: 1<<64 - 1, Body: []byte("body")},
		{Kind: Gone, Repeats: 9},
	} {
		got, ok := Parse(append(AppendHead(nil, want.Kind, want.Stream, want.Repeats), want.Body...))
		if !ok || got.Kind != want.Kind || got.Stream != want.Stream || got.Repeats != want.Repeats || !bytes.Equal(got.Body, want.Body) {
			t.Errorf("%+v, not %+v", got, want)
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "no kind": {0, 0, 0, 0, 0}, "a kind that is none": {99, 0, 0, 0, 0}, "short": {1, 0, 0, 0},
		"repeats what": {1 | repeats, 0, 0, 0, 0, 1, 2, 3},
	} {
		if m, ok := Parse(b); ok {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestNACKsAreRead(t *testing.T) {
	numbers := []uint64{1 << 40, 1<<40 + 1, 1<<40 + 65535}
	b := AppendNACK(nil, numbers)
	var got []uint64
	if !EachNACK(b, func(n uint64) { got = append(got, n) }) || !slices.Equal(got, numbers) {
		t.Errorf("%v", got)
	}
	for _, n := range []int{0, 7, 9, 8 + 2*MaxNACK} {
		if EachNACK(make([]byte, n), func(uint64) { t.Error("a number") }) {
			t.Errorf("%d bytes are a NACK", n)
		}
	}
}

func TestLatestAreFound(t *testing.T) {
	var s Sent
	for n := uint64(1); n <= 3000; n++ {
		s.Note(n, Item{Seq: n})
	}
	for number, want := range map[uint64]bool{0: false, 1: false, 3000 - held: false, 3001 - held: true, 3000: true, 3001: false, 1 << 63: false} {
		if i, ok := s.Find(number); ok != want || ok && i.Seq != number {
			t.Errorf("%d: %+v, %v", number, i, ok)
		}
	}
}

func TestMissingAreAskedForUntilTheyCome(t *testing.T) {
	var m Missing
	now := time.Hour
	m.Came(2, now) // the first was lost already
	m.Came(5, now)
	ask := func() []uint64 { return m.Due(nil, now) }
	if got := ask(); !slices.Equal(got, []uint64{1, 3, 4}) {
		t.Errorf("asked for %v", got)
	}
	now += 5 * time.Millisecond
	if got := ask(); len(got) != 0 {
		t.Errorf("asked for %v again", got)
	}
	m.Repeated(3, false, now)
	m.Came(4, now)
	m.Came(4, now)
	now += time.Second / 2
	if got := ask(); !slices.Equal(got, []uint64{1}) {
		t.Errorf("asked for %v", got)
	}
	m.Repeated(1, true, now)
	if m.Waiting() || m.Lost != 3 || m.Repaired != 2 {
		t.Errorf("%+v", m)
	}
	m.Came(7, now)
	for range 1000 {
		now += 10 * time.Millisecond
		ask()
	}
	if m.Waiting() {
		t.Error("never given up")
	}
}

func TestMissingAreBounded(t *testing.T) {
	var m Missing
	m.Came(1_000_000, 0)
	got := m.Due(nil, 0)
	if len(got) != MaxNACK || got[0] != 1_000_000-MaxNACK || m.Lost != 999_999 || m.Unasked != 999_999-MaxNACK {
		t.Errorf("%d asked for; %+v", len(got), m)
	}
	for n := uint64(1_000_002); n < 1_001_000; n += 2 {
		m.Came(n, 0)
	}
	if len(m.packets) > MaxNACK {
		t.Errorf("%d are missing", len(m.packets))
	}
}

// TestClockFollowsTheShortestTransit over jitter and drift.
func TestClockFollowsTheShortestTransit(t *testing.T) {
	var c Clock
	if _, ok := c.Offset(); ok {
		t.Error("known from the start")
	}
	const ahead = 3 * time.Minute
	for n := range 100 {
		sent := time.Hour + time.Duration(n)*time.Second
		drift := time.Duration(n) * 50 * time.Microsecond
		jitter := time.Duration(n%7) * 10 * time.Millisecond
		c.Sample(sent, sent+ahead+drift+jitter+time.Millisecond)
		got, ok := c.Offset()
		if off := got - ahead - time.Millisecond - drift; !ok || n >= 7 && off.Abs() > 2*time.Millisecond {
			t.Errorf("after %d s: off by %v", n, off)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(AppendHead(nil, Packet, 3, 0))
	f.Add(append(AppendHead(nil, NACK, 0, 5), AppendNACK(nil, []uint64{1, 2})...))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := Parse(b)
		if !ok {
			return
		}
		again := append(AppendHead(nil, m.Kind, m.Stream, m.Repeats), m.Body...)
		if m.Repeats != 0 && !bytes.Equal(again, b) {
			t.Errorf("%x is read as %+v", b, m)
		}
		asked := 0
		EachNACK(m.Body, func(uint64) { asked++ })
		if asked > MaxNACK {
			t.Errorf("%d asked for", asked)
		}
	})
}
