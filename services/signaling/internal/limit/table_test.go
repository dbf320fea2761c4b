package limit

import (
	"fmt"
	"testing"
	"time"
)

var start = time.Unix(1_000_000, 0)

func TestWhatIsOpenHasABoundForEachKey(t *testing.T) {
	table := NewTable[string](2, 0)
	var leave []func()
	for range 2 {
		l, met := table.Enter("a", start)
		if met != None {
			t.Fatalf("met %q", met)
		}
		leave = append(leave, l)
	}
	if _, met := table.Enter("a", start); met != Open {
		t.Errorf("a third: %q", met)
	}
	if _, met := table.Enter("b", start); met != None {
		t.Errorf("of another key: %q", met)
	}
	leave[0]()
	if _, met := table.Enter("a", start); met != None {
		t.Errorf("after one has left: %q", met)
	}
}

func TestARateHasABoundForEachKey(t *testing.T) {
	table := NewTable[string](0, 3)
	enter := func(key string, at time.Time) Met {
		leave, met := table.Enter(key, at)
		if leave != nil {
			leave()
		}
		return met
	}
	for i := range 3 * burst {
		if met := enter("a", start); met != None {
			t.Fatalf("%d: %q", i, met)
		}
	}
	if met := enter("a", start); met != Rate {
		t.Errorf("one too many: %q", met)
	}
	if met := enter("b", start); met != None {
		t.Errorf("of another key: %q", met)
	}
	taken := 0
	for range 10 {
		if enter("a", start.Add(time.Second)) == None {
			taken++
		}
	}
	if taken != 3 {
		t.Errorf("%d taken a second later", taken)
	}
}

func TestNoLimitsAreNone(t *testing.T) {
	table := NewTable[int](0, 0)
	for range 100_000 {
		if leave, met := table.Enter(1, start); met != None || leave == nil {
			t.Fatal(met)
		}
	}
}

// TestWhoIsRememberedHasABound: those with something open are, whatever comes.
func TestWhoIsRememberedHasABound(t *testing.T) {
	table := NewTable[string](1, 1)
	if _, met := table.Enter("open", start); met != None {
		t.Fatal(met)
	}
	for i := range 3 * mostIdle {
		leave, met := table.Enter(fmt.Sprint(i), start)
		if met != None {
			t.Fatal(met)
		}
		leave()
		if len(table.byKey) > mostIdle+1 {
			t.Fatalf("%d are remembered", len(table.byKey))
		}
	}
	if _, met := table.Enter("open", start); met != Open {
		t.Errorf("who has one open: %q", met)
	}
	later := start.Add(time.Hour)
	for i := range mostIdle {
		leave, _ := table.Enter(fmt.Sprint("later", i), later.Add(time.Duration(i)*time.Second))
		leave()
	}
	if len(table.byKey) > mostIdle/2+2 {
		t.Errorf("%d are remembered of whom nothing is to be told", len(table.byKey))
	}
}
