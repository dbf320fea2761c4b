package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/cardea-rtc/cardea/tools/loadtest/internal/endpoint"
)

const (
	largeShare     = 3  // one of so many goes to a large room
	peopleOfALarge = 60 // there is one large room for so many people of the day's most
	speakers       = 2  // in a large room; all others listen
)

// sizes are those of meetings, where everybody speaks; one is drawn.
var sizes = []int{2, 2, 2, 3, 3, 4, 4, 5, 6, 8}

// room is a room that is open.
type room struct {
	places   int // how many it is for; 0 of a large one, which is for all
	members  int // who are there, come or go
	speaking int // of these

	present []*person // who may be told of feeds
	feeds   []*feed

	opening sync.Once
	id      endpoint.ID
	problem error
}

func (r *room) large() bool { return r.places == 0 }

// open has the room made, the first time. It takes more publishers than there are places: who leaves may be there for a moment
// longer than its place is taken.
func (r *room) open(ctx context.Context, control *endpoint.Rooms) (endpoint.ID, error) {
	r.opening.Do(func() { r.id, r.problem = control.Create(ctx, 2*max(r.places, speakers)) })
	return r.id, r.problem
}

// town has the rooms that are open. Its caller keeps others from it.
type town struct {
	larges   []*room // those not open are nil
	meetings []*room
}

func newTown(people int) *town {
	return &town{larges: make([]*room, max(1, people/peopleOfALarge))}
}

// place finds a room for one more, who has to leave it.
func (t *town) place(draw *rand.Rand) (r *room, speaks bool) {
	if draw.IntN(largeShare) == 0 {
		i := draw.IntN(len(t.larges))
		if t.larges[i] == nil {
			t.larges[i] = &room{}
		}
		r = t.larges[i]
		speaks = r.speaking < speakers
	} else {
		i := slices.IndexFunc(t.meetings, func(r *room) bool { return r.members < r.places })
		if i < 0 {
			i = len(t.meetings)
			t.meetings = append(t.meetings, &room{places: sizes[draw.IntN(len(sizes))]})
		}
		r, speaks = t.meetings[i], true
	}
	r.members++
	if speaks {
		r.speaking++
	}
	return r, speaks
}

// leave gives a place back. It tells whether the room is over: nobody else will come to it.
func (t *town) leave(r *room, spoke bool) (over bool) {
	r.members--
	if spoke {
		r.speaking--
	}
	if r.members > 0 {
		return false
	}
	if i := slices.Index(t.larges, r); i >= 0 {
		t.larges[i] = nil
	}
	t.meetings = slices.DeleteFunc(t.meetings, func(other *room) bool { return other == r })
	return true
}

// open is how many rooms there are.
func (t *town) open() int {
	n := len(t.meetings)
	for _, r := range t.larges {
		if r != nil {
			n++
		}
	}
	return n
}
