package nodes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// anyCandidates draws nodes of all kinds: without limits, full, busy, of equal and of no ordinals.
func anyCandidates(t *rapid.T) []candidate {
	var all []candidate
	for i := range rapid.IntRange(0, 12).Draw(t, "nodes") {
		amount := rapid.SampledFrom([]uint64{0, 1, 100, 799, 800, 999, 1000, 5000})
		all = append(all, candidate{
			id: fmt.Sprint(i), ordinal: rapid.SampledFrom([]int{0, 1, 2, unordered}).Draw(t, "ordinal"),
			has:   plugin.Load{Packets: amount.Draw(t, "packets"), Bits: amount.Draw(t, "bits")},
			most:  plugin.Load{Packets: rapid.SampledFrom([]uint64{0, 1000}).Draw(t, "most"), Bits: rapid.SampledFrom([]uint64{0, 1000}).Draw(t, "most")},
			peers: rapid.IntRange(0, 10).Draw(t, "peers"), seats: rapid.SampledFrom([]int{0, 1, 10}).Draw(t, "seats"),
			cpu: rapid.SampledFrom([]float64{0, 0.5, 0.81, 1}).Draw(t, "cpu"),
		})
	}
	return all
}

func TestChoiceKeepsToLimitsNearnessAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := anyCandidates(t)
		id := rapid.Map(rapid.IntRange(0, 13), func(i int) string { return fmt.Sprint(i) })
		w := wanted{
			near: rapid.SliceOfN(id, 0, 4).Draw(t, "near"), not: id.Draw(t, "not"),
			load: plugin.Load{Packets: rapid.Uint64Range(0, 300).Draw(t, "load"), Bits: rapid.Uint64Range(0, 300).Draw(t, "load")},
		}
		draw := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "drawn") }
		got := choose(all, w, draw)

		hasRoom := func(c candidate) bool {
			return c.id != w.not && (c.most.Packets == 0 || c.has.Packets+w.load.Packets <= c.most.Packets) &&
				(c.most.Bits == 0 || c.has.Bits+w.load.Bits <= c.most.Bits) && (c.seats == 0 || c.peers < c.seats)
		}
		atEase := func(c candidate) bool {
			return hasRoom(c) && c.full(w.load) <= comfortable && c.cpu <= comfortable
		}
		if got < 0 {
			if slices.ContainsFunc(all, hasRoom) {
				t.Fatalf("none of %+v is taken", all)
			}
			return
		}
		chosen := all[got]
		if !hasRoom(chosen) {
			t.Fatalf("%+v has no room", chosen)
		}
		fits := hasRoom
		if slices.ContainsFunc(all, atEase) {
			fits = atEase
		}
		if !fits(chosen) {
			t.Fatalf("%+v is taken, and others are at ease", chosen)
		}
		rank := func(id string) int {
			if at := slices.Index(w.near, id); at >= 0 {
				return at
			}
			return len(w.near)
		}
		for _, other := range all {
			switch {
			case !fits(other):
			case rank(other.id) < rank(chosen.id):
				t.Fatalf("%s is taken, and %s is nearer", chosen.id, other.id)
			case atEase(chosen) && rank(chosen.id) == len(w.near) && other.ordinal < chosen.ordinal:
				t.Fatalf("%s is taken, and %s comes before it", chosen.id, other.id)
			}
		}
	})
}

func TestNodesFillInOrderAndThenEvenly(t *testing.T) {
	r := registry(t, true)
	now := time.Now()
	for i := range 3 {
		b := beat(fmt.Sprint("id", i), "a", 0)
		b.Name, b.CapacityPackets = fmt.Sprint("media-", i), 1000
		r.Heard(b, now)
	}
	w := wanted{load: plugin.Load{Packets: 100}}
	var got []string
	for range 31 {
		id, _ := r.place(w, now)
		got = append(got, id)
	}
	for i, id := range got[:24] {
		if want := fmt.Sprint("id", i/8); id != want {
			t.Fatalf("placed %v", got)
		}
	}
	rest := slices.Sorted(slices.Values(got[24:30])) // the last fifth of each
	if want := []string{"id0", "id0", "id1", "id1", "id2", "id2"}; !slices.Equal(rest, want) {
		t.Errorf("the rest went to %v", rest)
	}
	if got[30] != "" {
		t.Errorf("the last, for which there is no room, is on %s", got[30])
	}
	if _, err := r.Place(t.Context(), plugin.Question{Load: w.load}); fault.Of(err) != fault.NodeUnavailable || fault.Text(err) != "All media nodes are full" {
		t.Errorf("got %v", err)
	}
	// What was reserved is counted until beats show it.
	if id, _ := r.place(w, now.Add(reservedFor)); id != "" {
		t.Errorf("placed on %s, which has not been heard since", id)
	}
	for i := range 3 {
		b := beat(fmt.Sprint("id", i), "a", 1000)
		b.Name, b.CapacityPackets = fmt.Sprint("media-", i), 1000
		if i == 1 {
			b.PacketsPerSecond = 300
		}
		r.Heard(b, now.Add(reservedFor))
	}
	if id, _ := r.place(w, now.Add(reservedFor)); id != "id1" {
		t.Errorf("placed on %q", id)
	}
}

// Many rooms come and go; no node is used beyond its capacity, and of those with one ordinal none is used much more than
// another.
func TestLoadStaysBalanced(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([]candidate, 20)
	for i := range all {
		all[i] = candidate{id: fmt.Sprint(i), ordinal: unordered, most: plugin.Load{Packets: 100_000}}
	}
	var placed []int
	load := plugin.Load{Packets: 250}
	for range 50_000 {
		if len(placed) > 3000 || len(placed) > 0 && rng.IntN(3) == 0 {
			at := rng.IntN(len(placed))
			all[placed[at]].has.Packets -= load.Packets
			placed = slices.Delete(placed, at, at+1)
			continue
		}
		i := choose(all, wanted{load: load}, rng.IntN)
		if i < 0 {
			t.Fatalf("no room with %d placed", len(placed))
		}
		all[i].has.Packets += load.Packets
		placed = append(placed, i)
	}
	least := slices.MinFunc(all, func(a, b candidate) int { return int(a.has.Packets) - int(b.has.Packets) })
	most := slices.MaxFunc(all, func(a, b candidate) int { return int(a.has.Packets) - int(b.has.Packets) })
	if mean := uint64(len(placed)) * load.Packets / uint64(len(all)); most.has.Packets > mean*5/4 || least.has.Packets < mean*3/4 {
		t.Errorf("from %d to %d packets a second, %d on average", least.has.Packets, most.has.Packets, mean)
	}
}

func TestOrdinals(t *testing.T) {
	for name, want := range map[string]int{
		"media-0": 0, "media-12": 12, "a-b-7": 7, "media": unordered, "7": unordered, "media-": unordered, "media-x": unordered,
		"media--1": 1, "media-99999999999": unordered, "": unordered,
	} {
		if got := ordinal(name); got != want {
			t.Errorf("%q: %d", name, got)
		}
	}
}
