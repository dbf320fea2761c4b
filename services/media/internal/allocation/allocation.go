// Package allocation shares what one connection takes among the media that are to go over it: audio first, then the
// lowest of each video, then better ones. It knows neither packets nor layers, only what each choice costs.
package allocation

import (
	"slices"
	"time"
)

// None is the option of a video that is paused.
const None = -1

// mostOptions is more than there ever are of one video.
const mostOptions = 1 << 10

const (
	// spare is the share of the connection that is left free when something better is begun.
	spare = 1.0 / 12
	// settle is how long there must have been room for something better.
	settle = 500 * time.Millisecond
	// Something worse is taken when what is missing, as a share of what is sent, adds up to this over time: at once
	// where half is missing, and not for a little that is missing for a moment. Pausing has more patience than that.
	patience      = 30 * time.Millisecond
	pausePatience = 300 * time.Millisecond
	// After a step down, nothing better is begun for a while; longer if it undid a step up.
	firstWait = time.Second
	mostWait  = 16 * time.Second
	// regret is how soon a step down undoes a step up.
	regret = 5 * time.Second
	// leave is the share of what is sent that must have room for it to go on until something lower can begin.
	leave = 0.7
)

// Demand is what one of the media asks for, and what it gets.
type Demand struct {
	Audio    bool
	Priority int      // the higher is served first, after the lowest option of all
	Costs    []uint64 // of the options, ascending, in bits a second; audio has one at most
	Has      int      // the option in force, or None; 0 for audio
	Gets     int      // the one chosen
}

// Allocator decides for one connection. Its zero value is ready.
type Allocator struct {
	last    time.Duration // of the last decision; 0 before the first
	missing time.Duration // what is missing, added up
	room    time.Duration // since when there has been room for something better; 0 for none
	up      time.Duration // last step up
	down    time.Duration // last step down
	wait    time.Duration // after it
	order   []int         // scratch
}

// Decision is what came of Decide beside each Gets.
type Decision struct {
	// Wanted is what would have room for everything; 0 if all is given.
	Wanted uint64
	// Leave says that there is so little room that what is to be lowered should not go on until something lower begins.
	Leave bool
	// Downgrades and Pauses count videos that get less than they had, and nothing.
	Downgrades, Pauses int
}

// Room is what a connection takes, in bits a second.
type Room struct {
	Now    uint64 // less than Steady while something that was too much is still under way
	Steady uint64 // videos are paused for want of this alone
}

// Decide sets Gets of all demands.
func (a *Allocator) Decide(demands []Demand, room Room, now time.Duration) Decision {
	elapsed := now - a.last
	if a.last == 0 || elapsed > time.Second {
		elapsed = 0
	}
	a.last = now
	a.share(demands, room)
	d := Decision{Wanted: wanted(demands)}
	better, worse, pauses := compare(demands)
	bps, cost := float64(room.Now), sent(demands)
	if pauses > 0 {
		bps = float64(room.Steady)
	}
	if worse == 0 {
		a.missing = 0
	} else if cost > bps {
		a.missing += time.Duration(float64(elapsed) * (1 - bps/cost))
		d.Leave = bps < leave*cost
	}
	if pauses > 0 && a.missing < pausePatience {
		hold(demands, func(x *Demand) bool { return x.Gets == None }, 0)
	}
	if worse > 0 && a.missing < patience {
		hold(demands, func(x *Demand) bool { return x.Gets < x.Has }, mostOptions)
	}
	if !a.mayRise(better > 0, now) {
		hold(demands, func(x *Demand) bool { return x.Gets > x.Has }, mostOptions)
	}
	better, d.Downgrades, d.Pauses = compare(demands)
	if better > 0 {
		a.up, a.room = now, 0
	}
	if d.Downgrades > 0 {
		a.lower(now)
	}
	return d
}

// mayRise is true if there has been room for long enough.
func (a *Allocator) mayRise(room bool, now time.Duration) bool {
	if !room {
		a.room = 0
		return false
	}
	if a.room == 0 {
		a.room = now
	}
	return now-a.room >= settle && (a.down == 0 || now-a.down >= a.wait)
}

// lower notes a step down.
func (a *Allocator) lower(now time.Duration) {
	switch {
	case a.up != 0 && now-a.up < regret:
		a.wait = min(max(2*a.wait, 2*firstWait), mostWait)
	case now-a.down >= mostWait:
		a.wait = firstWait
	}
	a.wait = max(a.wait, firstWait)
	a.down, a.missing, a.up = now, 0, 0
}

// share gives to each what there is room for, as if nothing had to wait.
func (a *Allocator) share(demands []Demand, room Room) {
	free := float64(room.Steady)
	reserve := spare * free
	a.order = a.order[:0]
	for i := range demands {
		d := &demands[i]
		d.Gets = None
		if d.Audio && len(d.Costs) > 0 {
			d.Gets = 0
			free -= float64(d.Costs[0])
		} else if len(d.Costs) > 0 {
			a.order = append(a.order, i)
		}
	}
	fits := func(d *Demand, option int) bool {
		if option > d.Has {
			return d.step(option) <= free-reserve
		}
		return d.step(option) <= free
	}
	slices.SortStableFunc(a.order, func(i, j int) int { return demands[i].before(&demands[j]) })
	for _, i := range a.order {
		if d := &demands[i]; fits(d, 0) {
			d.Gets = 0
			free -= d.step(0)
		}
	}
	free -= float64(room.Steady) - float64(room.Now)
	for {
		best := None
		for _, i := range a.order {
			d := &demands[i]
			if d.Gets == None || d.Gets+1 == len(d.Costs) || !fits(d, d.Gets+1) {
				continue
			}
			if best == None || d.Priority > demands[best].Priority ||
				d.Priority == demands[best].Priority && d.Costs[d.Gets+1] < demands[best].Costs[demands[best].Gets+1] {
				best = i
			}
		}
		if best == None {
			return
		}
		d := &demands[best]
		d.Gets++
		free -= d.step(d.Gets)
	}
}

// step is what an option costs beyond the one below.
func (d *Demand) step(option int) float64 {
	if option == 0 {
		return float64(d.Costs[0])
	}
	return float64(d.Costs[option]) - float64(d.Costs[option-1])
}

// before orders those of higher priority first, and of the same those that are not paused.
func (d *Demand) before(other *Demand) int {
	if d.Priority != other.Priority {
		return other.Priority - d.Priority
	}
	switch running, others := d.Has != None, other.Has != None; {
	case running == others:
		return 0
	case running:
		return -1
	}
	return 1
}

// cost is what an option costs.
func (d *Demand) cost(option int) uint64 {
	if option == None || len(d.Costs) == 0 {
		return 0
	}
	return d.Costs[min(option, len(d.Costs)-1)]
}

// wanted is what the best of everything takes, with some to spare, if something is not given.
func wanted(demands []Demand) uint64 {
	var sum uint64
	all := true
	for i := range demands {
		d := &demands[i]
		sum += d.cost(len(d.Costs) - 1)
		all = all && d.Gets == len(d.Costs)-1 && d.Has >= d.Gets
	}
	if all {
		return 0
	}
	return uint64(float64(sum) / (1 - spare) * 1.05)
}

// sent is what is in force costs.
func sent(demands []Demand) float64 {
	var sum uint64
	for i := range demands {
		sum += demands[i].cost(demands[i].Has)
	}
	return float64(sum)
}

// compare counts what gets better, worse, and nothing.
func compare(demands []Demand) (better, worse, pauses int) {
	for i := range demands {
		switch d := &demands[i]; {
		case len(d.Costs) == 0:
		case d.Gets > d.Has:
			better++
		case d.Gets < d.Has:
			worse++
			if d.Gets == None {
				pauses++
			}
		}
	}
	return better, worse, pauses
}

// hold leaves those that which says as they are, but at most at an option.
func hold(demands []Demand, which func(*Demand) bool, most int) {
	for i := range demands {
		if d := &demands[i]; len(d.Costs) > 0 && which(d) {
			d.Gets = min(d.Has, most)
		}
	}
}
