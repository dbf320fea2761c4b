package keep

import (
	"testing"
)

func mark(at uint64) []Mark { return []Mark{{Index{SSRC: 1}, at}} }

func TestABoundIsThatOfTheOldestValueTheKeeperMayHold(t *testing.T) {
	var b Bounds
	i := Index{SSRC: 1}
	want := func(bound uint64) {
		t.Helper()
		if got := b.Of(i); got != bound {
			t.Fatalf("bound %d, not %d", got, bound)
		}
	}
	want(Unbounded)
	b.Send(mark(10))
	want(10)
	b.Send(mark(20))
	want(10) // the second may be lost
	b.Acknowledged(1)
	want(10)
	b.Acknowledged(2)
	want(20)
	b.Acknowledged(1) // late
	want(20)
	b.Send(mark(30))
	b.Send(mark(40))
	b.Refused(3)
	want(40)
	b.Refused(4)
	want(Unbounded)
	b.Send(mark(50))
	b.Free()
	want(Unbounded)
	if b.Of(Index{SSRC: 1, RTCP: true}) != Unbounded {
		t.Error("another series is bounded")
	}
}

func TestOnlySoManyValuesAreOnTheirWay(t *testing.T) {
	var b Bounds
	for i := range mostHeld {
		if b.Full() {
			t.Fatalf("full after %d", i)
		}
		b.Send(mark(uint64(i)))
	}
	if !b.Full() {
		t.Error("not full")
	}
	b.Acknowledged(2)
	if b.Full() || !b.Kept() {
		t.Error("still full, or nothing kept")
	}
}
