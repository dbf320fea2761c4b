package main

import (
	"math/rand/v2"
	"testing"
)

// TestEverybodyHasAPlace has people come and go at random.
func TestEverybodyHasAPlace(t *testing.T) {
	type guest struct {
		room   *room
		speaks bool
	}
	draw := rand.New(rand.NewPCG(1, 2))
	town := newTown(200)
	var all []guest
	mostInLarge, closed := 0, 0
	for range 20_000 {
		if len(all) < 200 && (len(all) == 0 || draw.IntN(2) == 0) {
			r, speaks := town.place(draw)
			all = append(all, guest{r, speaks})
			if r.large() {
				mostInLarge = max(mostInLarge, r.members)
			} else if r.members > r.places || !speaks {
				t.Fatalf("%d in a meeting of %d", r.members, r.places)
			}
			if r.large() && r.speaking > speakers {
				t.Fatalf("%d speak", r.speaking)
			}
			continue
		}
		i := draw.IntN(len(all))
		if town.leave(all[i].room, all[i].speaks) {
			closed++
		}
		all[i] = all[len(all)-1]
		all = all[:len(all)-1]
	}
	if mostInLarge < 20 || closed < 100 {
		t.Errorf("at most %d in a large room, %d rooms closed", mostInLarge, closed)
	}
	for _, g := range all {
		town.leave(g.room, g.speaks)
	}
	if town.open() != 0 {
		t.Errorf("%d rooms are left", town.open())
	}
}
