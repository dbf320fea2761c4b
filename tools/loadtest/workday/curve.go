package main

import (
	"fmt"
	"math"
	"time"
)

// The day, in hours of its clock.
const (
	opens  = 7.0
	closes = 19.0
)

// phase is a part of the day that is shown by itself.
type phase struct {
	Name     string
	From, To float64
}

var phases = []phase{{"morning ramp", opens, 9}, {"meetings", 9, 12}, {"lunch", 12, 13.5}, {"afternoon", 13.5, 16.75}, {"evening tail", 16.75, closes}}

// phaseAt is the number of the phase that an hour is of.
func phaseAt(hour float64) int {
	for i, p := range phases {
		if hour < p.To {
			return i
		}
	}
	return len(phases) - 1
}

// steady are those who are in calls all the time, as shares of the most that there are; between these hours they change evenly.
var steady = []struct{ hour, share float64 }{
	{opens, 0}, {8, 0.1}, {8.9, 0.45}, {10, 0.6}, {11.75, 0.6}, {12.25, 0.25}, {13, 0.25}, {13.75, 0.55}, {16.5, 0.6}, {17.5, 0.2}, {closes, 0},
}

// meetings are the full hours at which many come at once.
var meetings = []float64{9, 10, 11, 14, 15, 16}

const (
	meeting     = 0.4  // share of people who come to one
	comesBefore = 0.05 // hours until a meeting from which they come, and after which the last do
	staysFor    = 0.6  // hours after its begin
	goesWithin  = 0.2  // hours
)

// share is how many people are in calls at an hour, 0 to 1.
func share(hour float64) float64 {
	if hour <= opens || hour >= closes {
		return 0
	}
	base := 0.0
	for i := 1; i < len(steady); i++ {
		if a, b := steady[i-1], steady[i]; hour < b.hour {
			base = between(a.share, b.share, (hour-a.hour)/(b.hour-a.hour))
			break
		}
	}
	for _, at := range meetings {
		switch since := hour - at; {
		case since < -comesBefore || since > staysFor+goesWithin:
		case since < comesBefore:
			base += between(0, meeting, (since+comesBefore)/(2*comesBefore))
		case since < staysFor:
			base += meeting
		default:
			base += between(meeting, 0, (since-staysFor)/goesWithin)
		}
	}
	return min(base, 1)
}

func between(a, b, share float64) float64 { return a + (b-a)*share }

// wanted is how many of most are to be in calls.
func wanted(hour float64, most int) int { return int(math.Round(share(hour) * float64(most))) }

// clock is a day that takes so long.
type clock struct{ takes time.Duration }

func (c clock) hour(since time.Duration) float64 {
	return opens + (closes-opens)*since.Seconds()/c.takes.Seconds()
}

// hours is how long some of them take.
func (c clock) hours(h float64) time.Duration {
	return time.Duration(h / (closes - opens) * float64(c.takes))
}

// show is an hour as on a clock.
func show(hour float64) string {
	minutes := int(math.Round(hour * 60))
	return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
}
