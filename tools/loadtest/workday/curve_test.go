package main

import (
	"math"
	"testing"
	"time"
)

func TestTheCurveIsAWorkingDay(t *testing.T) {
	for hour, want := range map[float64]float64{
		0: 0, 7: 0, 8: 0.1, 8.9: 0.45, 10.05: 1, 10.3: 1, 10.9: 0.6, 11.3: 1, 12.5: 0.25, 12.9: 0.25, 15.3: 0.5804 + 0.4, 16.9: 0.44, 18.25: 0.1, 19: 0, 24: 0,
	} {
		if got := share(hour); math.Abs(got-want) > 0.01 {
			t.Errorf("%s: %.3f, want %.3f", show(hour), got, want)
		}
	}
	most, least := 0.0, 1.0
	for hour := opens; hour <= closes; hour += 0.001 {
		s := share(hour)
		most, least = max(most, s), min(least, s)
		if next := share(hour + 0.001); math.Abs(next-s) > 0.01 {
			t.Errorf("%s: from %.3f to %.3f at once", show(hour), s, next)
		}
	}
	if most != 1 || least != 0 {
		t.Errorf("from %v to %v", least, most)
	}
	if lunch, before, after := share(12.6), share(11.3), share(14.3); lunch > before/2 || lunch > after/2 {
		t.Errorf("%v at lunch, %v before, %v after", lunch, before, after)
	}
}

func TestPhasesAreTheWholeDay(t *testing.T) {
	at := opens
	for i, p := range phases {
		if p.From != at || p.To <= p.From || phaseAt(p.From) != i || phaseAt((p.From+p.To)/2) != i {
			t.Errorf("%+v", p)
		}
		at = p.To
	}
	if at != closes || phaseAt(closes+1) != len(phases)-1 {
		t.Errorf("they end at %v", at)
	}
}

func TestTheClockRunsFaster(t *testing.T) {
	c := clock{2 * time.Minute}
	if c.hour(0) != opens || c.hour(time.Minute) != 13 || c.hour(2*time.Minute) != closes || c.hours(1) != 10*time.Second {
		t.Errorf("%v, %v, %v, %v", c.hour(0), c.hour(time.Minute), c.hour(2*time.Minute), c.hours(1))
	}
	if show(9.999) != "10:00" || show(13.25) != "13:15" {
		t.Error(show(9.999), show(13.25))
	}
}
