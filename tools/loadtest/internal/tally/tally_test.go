package tally

import "testing"

func TestCountsEachOnce(t *testing.T) {
	var tl Tally
	if _, ok := tl.First(); ok || tl.Gaps() != 0 || tl.Between(0, 100) != 0 {
		t.Error("a new tally is not empty")
	}
	for _, c := range []struct {
		counter uint32
		news    bool
	}{{100, true}, {99, false}, {100, false}, {103, true}, {102, true}, {103, false}, {300, true}, {1 << 31, false}} {
		if news := tl.Add(c.counter); news != c.news {
			t.Errorf("add %d: %v", c.counter, news)
		}
	}
	if first, ok := tl.First(); !ok || first != 100 {
		t.Errorf("first %d", first)
	}
	if tl.Gaps() != 201-4 {
		t.Errorf("gaps %d", tl.Gaps())
	}
}

func TestBetweenIsHalfOpen(t *testing.T) {
	var tl Tally
	for c := uint32(70); c < 1000; c++ {
		if c != 128 && c != 500 {
			tl.Add(c)
		}
	}
	for _, c := range []struct {
		name     string
		from, to uint32
		want     uint64
	}{
		{"nothing", 100, 100, 0},
		{"one", 100, 101, 1},
		{"before the first", 0, 70, 0},
		{"across the first", 0, 71, 1},
		{"a missing one", 128, 129, 0},
		{"whole words", 128, 256, 127},
		{"across a missing one", 499, 502, 2},
		{"beyond the last", 990, 2000, 10},
		{"all", 0, 1 << 31, 928},
	} {
		if got := tl.Between(c.from, c.to); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
