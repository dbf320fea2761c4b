package store

import (
	"errors"
	"testing"
)

func TestOnlyANodeWithAKeeperIsFenced(t *testing.T) {
	st, m := open(t)
	keep := func(want error, k, noted Keeper) {
		t.Helper()
		if got, err := st.KeepNode(t.Context(), "a", k); !errors.Is(err, want) || got != noted {
			t.Fatalf("%v: %v is noted, not %v: %v", k, got, noted, err)
		}
	}
	fence := func(want Keeper) {
		t.Helper()
		if got, err := st.FenceNode(t.Context(), "a"); err != nil || got != want {
			t.Fatalf("kept by %v, not %v: %v", got, want, err)
		}
	}
	fence(Keeper{})
	keep(nil, Keeper{"b", 1}, Keeper{"b", 1})
	keep(nil, Keeper{"", 2}, Keeper{"", 2})
	fence(Keeper{})
	keep(nil, Keeper{"c", 4}, Keeper{"c", 4})
	keep(nil, Keeper{"c", 4}, Keeper{"c", 4}) // it is renewed
	keep(nil, Keeper{"b", 3}, Keeper{"c", 4}) // it was on its way for long
	if ttl := m.TTL(prefix + "keeper:a"); ttl != 0 {
		t.Errorf("what a node that lives has noted is forgotten after %v", ttl)
	}
	fence(Keeper{"c", 4})
	fence(Keeper{"c", 4}) // another replica
	keep(ErrFenced, Keeper{"c", 4}, Keeper{})
	keep(ErrFenced, Keeper{"b", 5}, Keeper{})
	if ttl := m.TTL(prefix + "keeper:a"); ttl != fencedFor {
		t.Errorf("that a node is fenced is known for %v", ttl)
	}
}
