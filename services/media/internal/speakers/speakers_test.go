package speakers

import (
	"slices"
	"sync"
	"testing"
	"time"
)

const every = 20 * time.Millisecond

// talk has speakers talk for some time at these levels; it returns who was heard at the end, and how often that changed.
func talk(all []*Speaker, levels []uint8, now *time.Duration, d time.Duration) (heard []int, changes int) {
	was := make([]bool, len(all))
	for i, s := range all {
		was[i] = s.told.Load()&1 != 0
	}
	for end := *now + d; *now < end; *now += every {
		for i, s := range all {
			if is := s.Speak(levels[i], *now); is != was[i] {
				was[i] = is
				changes++
			}
		}
	}
	for i := range all {
		if was[i] {
			heard = append(heard, i)
		}
	}
	return heard, changes
}

func room(n, most int) (all []*Speaker, a *Audiences) {
	a = new(Audiences)
	for range n {
		all = append(all, a.Join("room", most))
	}
	return all, a
}

func TestTheLoudestAreHeard(t *testing.T) {
	all, _ := room(6, 2)
	now := time.Hour
	levels := []uint8{127, 20, 127, 60, 25, 127}
	if heard, _ := talk(all, levels, &now, 2*time.Second); !slices.Equal(heard, []int{1, 4}) {
		t.Error("heard", heard)
	}
	levels[0], levels[1] = 20, 127 // another takes over
	if heard, _ := talk(all, levels, &now, 200*time.Millisecond); !slices.Contains(heard, 0) {
		t.Error("who begins to talk is not heard at once:", heard)
	}
	if heard, _ := talk(all, levels, &now, 3*time.Second); !slices.Equal(heard, []int{0, 4}) {
		t.Error("then heard", heard)
	}
}

func TestAllAreHeardWhereThereIsRoom(t *testing.T) {
	all, _ := room(3, 3)
	now := time.Hour
	if heard, _ := talk(all, []uint8{127, 5, 60}, &now, time.Second); len(heard) != 3 {
		t.Error("heard", heard)
	}
}

// TestNobodyFlaps: speakers about as loud as each other do not take each other's place.
func TestNobodyFlaps(t *testing.T) {
	all, _ := room(4, 2)
	now := time.Hour
	levels := []uint8{30, 30, 28, 29}
	talk(all, levels, &now, 3*time.Second)
	changes := 0
	for n := range 100 {
		levels[n%4], levels[(n+1)%4] = 26, 30
		_, c := talk(all, levels, &now, 100*time.Millisecond)
		changes += c
	}
	if changes > 0 {
		t.Error(changes, "changes")
	}
}

// TestPausesBetweenWordsCostNobodyTheirPlace, as long as those who are not heard are not much louder than a room.
func TestPausesBetweenWordsCostNobodyTheirPlace(t *testing.T) {
	all, _ := room(2, 1)
	now := time.Hour
	talk(all, []uint8{25, 75}, &now, 2*time.Second)
	if heard, changes := talk(all, []uint8{127, 75}, &now, 500*time.Millisecond); !slices.Equal(heard, []int{0}) || changes != 0 {
		t.Error("heard", heard, changes)
	}
}

func TestWhoSendsNothingMakesRoom(t *testing.T) {
	all, _ := room(2, 1)
	now := time.Hour
	talk(all, []uint8{10, 60}, &now, time.Second)
	now += time.Second
	if heard, _ := talk(all[1:], []uint8{60}, &now, 100*time.Millisecond); len(heard) != 1 {
		t.Error("not heard, though nobody else sends")
	}
}

func TestAnAudienceEndsWithItsLast(t *testing.T) {
	all, a := room(2, 1)
	other := a.Join("other room", 1)
	now := time.Hour
	for _, s := range all {
		s.Speak(5, now)
	}
	if !other.Speak(100, now) {
		t.Error("compared with another room's")
	}
	all[0].Leave()
	if !all[1].Speak(100, now) {
		t.Error("compared with one who has left")
	}
	all[1].Leave()
	other.Leave()
	if len(a.each) != 0 {
		t.Error(len(a.each), "audiences are left")
	}
}

// TestSpeakersOfSeveralWorkers is for the race detector.
func TestSpeakersOfSeveralWorkers(t *testing.T) {
	all, a := room(4, 2)
	var wg sync.WaitGroup
	for i, s := range all {
		wg.Go(func() {
			for n := range 500 {
				s.Speak(uint8(20*i), time.Hour+time.Duration(n)*every)
				if n%100 == 0 {
					a.Join("room", 2).Leave()
				}
			}
		})
	}
	wg.Wait()
}

func TestSpeakingAllocatesNothing(t *testing.T) {
	all, _ := room(50, 3)
	if n := testing.AllocsPerRun(100, func() { all[7].Speak(30, time.Hour) }); n != 0 {
		t.Error(n, "allocations")
	}
}

func BenchmarkSpeak(b *testing.B) {
	all, _ := room(100, 3)
	for _, s := range all {
		s.Speak(50, time.Hour)
	}
	for b.Loop() {
		all[7].Speak(30, time.Hour)
	}
}
