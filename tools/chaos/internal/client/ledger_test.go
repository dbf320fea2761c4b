package client

import (
	"slices"
	"testing"
	"time"
)

func TestWhatAWitnessIsNotToldOfIsLostAndWhatItIsToldOfTwiceDoubled(t *testing.T) {
	l := &Ledger{}
	w := l.witness()
	began := time.Now()
	for guest := range uint64(4) {
		l.did(guest, joins)
	}
	l.hear(w, 0, joins)
	l.hear(w, 1, joins)
	l.hear(w, 1, joins)
	l.hear(w, 1, leaves) // the guest does not know yet that it has left
	l.hear(w, 3, joins)
	soon := time.Now().Add(time.Hour)
	lost, twice := l.tally(w, began.Add(-time.Second), soon)
	if !slices.Equal(lost, []string{"2 joins"}) || !slices.Equal(twice, []string{"1 joins ×2"}) {
		t.Errorf("lost %v, twice %v", lost, twice)
	}
	if lost, _ := l.tally(w, began.Add(-time.Second), began.Add(-time.Millisecond)); len(lost) > 0 {
		t.Errorf("%v are lost that may come still", lost)
	}
	between := time.Now()
	l.hear(w, 3, joins) // of what was done, and told, before
	if _, twice := l.tally(w, between, soon); !slices.Equal(twice, []string{"3 joins ×2"}) {
		t.Errorf("twice %v", twice)
	}
	if lost, twice := l.tally(w, soon, soon); len(lost)+len(twice) > 0 {
		t.Errorf("of before: lost %v, twice %v", lost, twice)
	}
}
