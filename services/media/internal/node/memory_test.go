package node

import (
	"strconv"
	"testing"
)

func TestMemoryHoldsTheLastAnswers(t *testing.T) {
	var m memory
	m.put("", "nothing to repeat")
	for i := range remembered + 1 {
		m.put(strconv.Itoa(i), "answer "+strconv.Itoa(i))
	}
	for i := range remembered + 1 {
		answer, ok := recall[string](&m, strconv.Itoa(i))
		if want := i > 0; ok != want || ok && answer != "answer "+strconv.Itoa(i) {
			t.Errorf("%d: %q, %v", i, answer, ok)
		}
	}
	if _, ok := recall[string](&m, ""); ok {
		t.Error("a command without an id is known")
	}
	if _, ok := recall[OfferAnswer](&m, "1"); ok {
		t.Error("an answer of another kind is known")
	}
}
