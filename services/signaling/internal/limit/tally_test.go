package limit

import "testing"

func TestWhatIsTalliedHasABound(t *testing.T) {
	tally := NewTally[int]()
	tally.most = 100
	for key := range 10_000 {
		tally.Add(key, 1)
		tally.Add(-1, 1) // is counted all the time, and never forgotten
		if n := len(tally.young) + len(tally.old); n > 2*tally.most {
			t.Fatalf("%d keys are remembered", n)
		}
	}
	if n := tally.Of(-1); n != 10_000 {
		t.Errorf("%d counted", n)
	}
	if tally.Of(9_999) != 1 || tally.Of(0) != 0 {
		t.Errorf("of the last %d, of the first %d", tally.Of(9_999), tally.Of(0))
	}
	tally.Forget(-1)
	if n := tally.Of(-1); n != 0 {
		t.Errorf("%d after it was forgotten", n)
	}
}
