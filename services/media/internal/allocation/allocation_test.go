package allocation

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const (
	begin = 1000 * time.Second
	tick  = 50 * time.Millisecond
)

func audio(bps uint64) Demand { return Demand{Audio: true, Costs: []uint64{bps}} }

func video(has int, costs ...uint64) Demand { return Demand{Costs: costs, Has: has} }

func priority(p int, d Demand) Demand {
	d.Priority = p
	return d
}

// layers cost what those of a camera do.
var layers = []uint64{150_000, 500_000, 1_500_000}

// run decides again and again, each time putting in force what was chosen, and returns that and all that was counted.
func run(a *Allocator, demands []Demand, bps uint64, from, length time.Duration) (gets []int, all Decision) {
	for now := from; now < from+length; now += tick {
		d := a.Decide(demands, Room{bps, bps}, now)
		all.Downgrades += d.Downgrades
		all.Pauses += d.Pauses
		all.Wanted = d.Wanted
		all.Leave = all.Leave || d.Leave && d.Downgrades > 0
		gets = gets[:0]
		for i := range demands {
			demands[i].Has = demands[i].Gets
			gets = append(gets, demands[i].Gets)
		}
	}
	return gets, all
}

func TestRoomIsShared(t *testing.T) {
	for _, c := range []struct {
		name    string
		bps     uint64
		demands []Demand
		want    []int
	}{
		{"room for all", 5_000_000, []Demand{audio(40_000), video(2, layers...)}, []int{0, 2}},
		{"a lower layer", 700_000, []Demand{audio(40_000), video(2, layers...)}, []int{0, 1}},
		{"the lowest", 250_000, []Demand{audio(40_000), video(2, layers...)}, []int{0, 0}},
		{"audio alone", 100_000, []Demand{audio(40_000), video(2, layers...)}, []int{0, None}},
		{"not even audio", 30_000, []Demand{audio(40_000), video(2, layers...)}, []int{0, None}},
		{"audio is first, wherever it is", 200_000, []Demand{video(0, 150_000), audio(40_000)}, []int{0, 0}},
		{"audio is first, and leaves nothing", 180_000, []Demand{video(0, 150_000), audio(40_000)}, []int{None, 0}},
		{"the lowest of each before any better", 600_000, []Demand{video(2, layers...), video(2, layers...), video(2, layers...)}, []int{0, 0, 0}},
		{"nobody takes everything", 1_200_000, []Demand{video(2, layers...), video(2, layers...)}, []int{1, 1}},
		{"the cheaper first", 800_000, []Demand{video(1, 150_000, 600_000), video(1, 100_000, 300_000)}, []int{0, 1}},
		{"priority", 1_800_000, []Demand{video(2, layers...), priority(1, video(2, layers...))}, []int{0, 2}},
		{"priority when few can be seen", 200_000, []Demand{video(0, 150_000), priority(1, video(0, 150_000))}, []int{None, 0}},
		{"those that run before those paused", 200_000, []Demand{video(None, 150_000), video(0, 150_000)}, []int{None, 0}},
		{"of unknown cost", 100_000, []Demand{video(0), video(0, 90_000)}, []int{None, 0}},
		{"nothing at all", 100_000, nil, nil},
	} {
		var a Allocator
		if got, _ := run(&a, c.demands, c.bps, begin, 10*time.Second); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestHalfTheRoomIsAnsweredAtOnce(t *testing.T) {
	var a Allocator
	demands := []Demand{audio(40_000), video(2, layers...)}
	run(&a, demands, 5_000_000, begin, time.Second)
	got, d := run(&a, demands, 600_000, begin+time.Second, 100*time.Millisecond)
	if !slices.Equal(got, []int{0, 1}) || d.Downgrades != 1 || !d.Leave {
		t.Errorf("got %v, %+v", got, d)
	}
}

func TestALittleThatIsMissingForAMomentIsBorne(t *testing.T) {
	var a Allocator
	demands := []Demand{video(0, 1_000_000)}
	for i := range 20 {
		at := begin + time.Duration(i)*2*time.Second
		if got, _ := run(&a, demands, 850_000, at, time.Second); got[0] != 0 {
			t.Fatal("paused for a second with 85 % of the room")
		}
		run(&a, demands, 1_000_000, at+time.Second, time.Second)
	}
	if got, d := run(&a, demands, 850_000, begin+time.Hour, 4*time.Second); got[0] != None || d.Pauses != 1 {
		t.Errorf("got %v, %+v when it stays so", got, d)
	}
}

func TestBetterTakesRoomAndTime(t *testing.T) {
	var a Allocator
	demands := []Demand{video(2, layers...)}
	run(&a, demands, 200_000, begin, time.Second)
	now := begin + time.Second
	if got, d := run(&a, demands, 510_000, now, 5*time.Second); got[0] != 0 || d.Wanted == 0 {
		t.Errorf("got %v without room to spare, %+v", got, d)
	}
	now += 5 * time.Second
	if got, _ := run(&a, demands, 700_000, now, 400*time.Millisecond); got[0] != 0 {
		t.Errorf("got %v before there had been room for half a second", got)
	}
	now += 400 * time.Millisecond
	if got, d := run(&a, demands, 700_000, now, 200*time.Millisecond); got[0] != 1 || d.Downgrades != 0 {
		t.Errorf("got %v, %+v", got, d)
	}
	if got, d := run(&a, demands, 2_000_000, now+time.Second, time.Second); got[0] != 2 || d.Wanted != 0 {
		t.Errorf("got %v, %+v", got, d)
	}
}

func TestStepsUpThatAreUndoneBecomeRarer(t *testing.T) {
	var a Allocator
	demands := []Demand{video(0, layers...)}
	ups := 0
	for at := begin; at < begin+time.Minute; at += 2 * time.Second {
		before := demands[0].Has
		got, _ := run(&a, demands, 700_000, at, time.Second)
		if got[0] > before {
			ups++
		}
		run(&a, demands, 200_000, at+time.Second, time.Second)
	}
	if ups < 2 || ups > 10 {
		t.Errorf("%d steps up in a minute in which none could last", ups)
	}
}

func TestAQueueThatDrainsPausesNothing(t *testing.T) {
	var a Allocator
	demands := []Demand{audio(40_000), video(2, layers...)}
	for now := begin; now < begin+10*time.Second; now += tick {
		a.Decide(demands, Room{Now: 100_000, Steady: 700_000}, now)
		demands[1].Has = demands[1].Gets
	}
	if demands[1].Gets != 0 {
		t.Errorf("got %d", demands[1].Gets)
	}
}

func TestVideoThatWasPausedComesBackByItself(t *testing.T) {
	var a Allocator
	demands := []Demand{audio(40_000), video(0, 150_000), video(0, 150_000)}
	if got, _ := run(&a, demands, 60_000, begin, 2*time.Second); !slices.Equal(got, []int{0, None, None}) {
		t.Fatalf("got %v", got)
	}
	if got, d := run(&a, demands, 230_000, begin+2*time.Second, 3*time.Second); !slices.Equal(got, []int{0, 0, None}) || d.Wanted < 340_000 {
		t.Errorf("got %v, %+v", got, d)
	}
}

func TestWhatIsGivenFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bps := rapid.Uint64Range(30_000, 10_000_000).Draw(t, "bps")
		var demands []Demand
		for range rapid.IntRange(0, 12).Draw(t, "videos") {
			costs := rapid.SliceOfNDistinct(rapid.Uint64Range(20_000, 3_000_000), 0, 9, rapid.ID[uint64]).Draw(t, "costs")
			slices.Sort(costs)
			d := video(None, costs...)
			d.Priority = rapid.IntRange(0, 2).Draw(t, "priority")
			if len(costs) > 0 {
				d.Has = rapid.IntRange(None, len(costs)-1).Draw(t, "has")
			}
			demands = append(demands, d)
		}
		var a Allocator
		gets, _ := run(&a, demands, bps, begin, time.Minute)
		var sum uint64
		for i, g := range gets {
			sum += demands[i].cost(g)
			if g >= len(demands[i].Costs) {
				t.Fatalf("option %d of %d", g, len(demands[i].Costs))
			}
		}
		if sum > bps {
			t.Fatalf("%d bits a second given of %d", sum, bps)
		}
		if again, d := run(&a, demands, bps, begin+time.Minute, 10*time.Second); !slices.Equal(gets, again) || d.Downgrades != 0 {
			t.Fatalf("%v became %v", gets, again)
		}
	})
}

func TestDecidingAllocatesNothing(t *testing.T) {
	var a Allocator
	demands := []Demand{audio(40_000), video(2, layers...), video(2, layers...)}
	now := begin
	if n := testing.AllocsPerRun(100, func() {
		a.Decide(demands, Room{700_000, 700_000}, now)
		now += tick
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	var a Allocator
	demands := []Demand{audio(40_000)}
	for range 5 {
		demands = append(demands, video(2, 100_000, 150_000, 300_000, 500_000, 1_000_000, 1_500_000))
	}
	b.ReportAllocs()
	now := begin
	for b.Loop() {
		a.Decide(demands, Room{2_500_000, 2_500_000}, now)
		now += tick
	}
}
