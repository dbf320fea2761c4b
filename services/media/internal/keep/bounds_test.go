package keep

import (
	"testing"
	"time"
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
	first := b.Send(mark(10))
	want(10)
	second := b.Send(mark(20))
	want(10) // the second may be lost
	b.Acknowledged(first)
	want(10)
	b.Acknowledged(second)
	want(20)
	b.Acknowledged(first) // late
	want(20)
	third, fourth := b.Send(mark(30)), b.Send(mark(40))
	b.Refused(third)
	want(40)
	b.Refused(fourth)
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
	var last uint64
	for i := range mostHeld {
		if b.Full() {
			t.Fatalf("full after %d", i)
		}
		last = b.Send(mark(uint64(i)))
	}
	if !b.Full() {
		t.Error("not full")
	}
	b.Acknowledged(last)
	if b.Full() || !b.Kept() {
		t.Error("still full, or nothing kept")
	}
}

// TestAPeerThatComesBackIsKept has a peer leave a node and come back to it, with the same keeper all the time.
func TestAPeerThatComesBackIsKept(t *testing.T) {
	v := NewVault(func() time.Duration { return 0 })
	line, _, err := v.Open("a", 1)
	if err != nil {
		t.Fatal(err)
	}
	var before, after Bounds
	for range 3 {
		put(t, v, line, one, before.Send(mark(1)), "before", nil)
	}
	put(t, v, line, one, after.Send(mark(2)), "after", nil)
	if peers := v.Fence("a", 1); len(peers) != 1 {
		t.Fatalf("kept: %v", peers)
	}
	if state, err := v.Look("a", one, "b"); err != nil || string(state) != "after" {
		t.Errorf("%q is kept: %v", state, err)
	}
}
