package keep

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// clock is one that a test moves.
type clock struct{ now time.Duration }

func (c *clock) read() time.Duration { return c.now }

var (
	one = Peer{Session: 1, Handle: 1, Generation: 1}
	two = Peer{Session: 1, Handle: 2, Generation: 1}
)

// opened is a vault with a line of an owner's.
func opened(t *testing.T) (*Vault, *clock, uint64) {
	t.Helper()
	c := &clock{now: time.Hour}
	v := NewVault(c.read)
	line, _, err := v.Open("a", 1)
	if err != nil {
		t.Fatal(err)
	}
	return v, c, line
}

func put(t *testing.T, v *Vault, line uint64, p Peer, serial uint64, state string, want error) {
	t.Helper()
	if err := v.Put("a", line, p, serial, []byte(state)); !errors.Is(err, want) {
		t.Fatalf("value %d: %v, not %v", serial, err, want)
	}
}

func look(t *testing.T, v *Vault, p Peer, to, want string, wanted error) {
	t.Helper()
	if got, err := v.Look("a", p, to); string(got) != want || !errors.Is(err, wanted) {
		t.Errorf("%q, %v; not %q, %v", got, err, want, wanted)
	}
}

func TestOnlyTheNewestValueOfAFencedOwnerIsGiven(t *testing.T) {
	v, _, line := opened(t)
	put(t, v, line, one, 1, "1", nil)
	put(t, v, line, one, 3, "3", nil)
	put(t, v, line, one, 2, "2", nil) // late
	put(t, v, line, one, 3, "3 again", nil)
	look(t, v, one, "x", "", ErrNotFenced)
	if kept := v.Fence("a", 1); !slices.Equal(kept, []Peer{one}) {
		t.Errorf("kept: %v", kept)
	}
	look(t, v, one, "x", "3", nil)
	look(t, v, two, "x", "", ErrNoValue)
	put(t, v, line, one, 4, "4", ErrFenced)
	look(t, v, one, "x", "3", nil)
}

func TestAFencedOwnerIsToldAndNeverComesBack(t *testing.T) {
	v, c, line := opened(t)
	_, told, err := v.Open("a", 1)
	if err != nil {
		t.Fatal(err)
	}
	put(t, v, line, one, 1, "1", ErrOld) // of the line before
	v.Fence("a", 1)
	select {
	case <-told:
	default:
		t.Error("nobody is told")
	}
	for range 3 {
		c.now += time.Hour
		if _, _, err := v.Open("a", 2); !errors.Is(err, ErrFenced) {
			t.Errorf("open again: %v", err)
		}
	}
}

func TestAValueIsGoneOnFromOnce(t *testing.T) {
	v, _, line := opened(t)
	put(t, v, line, one, 1, "1", nil)
	v.Fence("a", 1)
	look(t, v, one, "x", "1", nil)
	look(t, v, one, "y", "1", nil) // neither has gone on yet
	for range 2 {
		if got, err := v.Take("a", one, "x"); string(got) != "1" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if got, err := v.Take("a", one, "y"); got != nil || !errors.Is(err, ErrNoValue) {
		t.Errorf("%q, %v", got, err)
	}
	look(t, v, one, "y", "", ErrNoValue)
	if kept := v.Fence("a", 1); !slices.Equal(kept, []Peer{one}) { // or another replica would take it for lost
		t.Errorf("kept: %v", kept)
	}
}

func TestWhatIsOldOrOfAnotherChangeIsNotGiven(t *testing.T) {
	for name, lapse := range map[string]func(v *Vault, c *clock) (change uint64){
		"silent":           func(_ *Vault, c *clock) uint64 { c.now += forgottenAfter; return 1 },
		"another change":   func(*Vault, *clock) uint64 { return 2 },
		"opened since":     func(v *Vault, _ *clock) uint64 { _, _, _ = v.Open("a", 3); return 3 },
		"after the rescue": func(v *Vault, c *clock) uint64 { v.Fence("a", 1); c.now += rescueTime; return 1 },
	} {
		t.Run(name, func(t *testing.T) {
			v, c, line := opened(t)
			put(t, v, line, one, 1, "1", nil)
			if kept := v.Fence("a", lapse(v, c)); len(kept) != 0 {
				t.Errorf("kept: %v", kept)
			}
			look(t, v, one, "x", "", ErrNoValue)
			if s := v.Stats(); s.Peers != 0 || s.Bytes != 0 {
				t.Errorf("held: %+v", s)
			}
		})
	}
}

func TestASilentOwnersLineHasToBeOpenedAgain(t *testing.T) {
	v, c, line := opened(t)
	c.now += forgottenAfter
	v.Stats()
	put(t, v, line, one, 1, "1", ErrOld)
	if err := v.Hear("a", line); !errors.Is(err, ErrOld) {
		t.Error(err)
	}
}

func TestAVaultIsBounded(t *testing.T) {
	v, _, line := opened(t)
	put(t, v, line, one, 1, "1", nil)
	if err := v.Put("a", line, one, 2, make([]byte, MaxValue+1)); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	if s := v.Stats(); s.Peers != 0 || s.Refused != 1 {
		t.Errorf("an older value is left: %+v", s)
	}
	for i := range MaxPeers {
		put(t, v, line, Peer{Handle: uint64(i)}, 1, "1", nil)
	}
	put(t, v, line, one, 3, "3", ErrFull)
	put(t, v, line, Peer{}, 2, "", nil) // it ends
	put(t, v, line, one, 4, "4", nil)
	for i := range 2 * maxOwners {
		v.Fence(string(rune('b'+i)), 1)
	}
	if len(v.owners) > maxOwners+1 || len(v.fenced) > maxOwners {
		t.Errorf("%d owners, %d fenced", len(v.owners), len(v.fenced))
	}
}
