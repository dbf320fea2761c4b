package main

import (
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/emulator"
)

// script is what happens to the link between a server and a viewer.
type script struct {
	Name  string  `json:"name"`
	About string  `json:"about"`
	Steps []phase `json:"-"`
}

// phase is some time with the same conditions: Down from the server to the viewer, Up back.
type phase struct {
	For      time.Duration
	Down, Up emulator.Conditions
}

const (
	steady = 40 * time.Second
	// nearDelay is that of an ordinary way to a server.
	nearDelay = 10 * time.Millisecond
	// queueBytes are what a bottleneck keeps: 100 ms at 4 Mbit/s, a second at 400 kbit/s.
	queueBytes = 50_000
)

// both is a script that does the same in both directions all the time.
func both(name, about string, c emulator.Conditions) script {
	return script{name, about, []phase{{steady, c, c}}}
}

func throttled(bitsPerSecond int) emulator.Conditions {
	return emulator.Conditions{Delay: nearDelay, RateBps: bitsPerSecond, QueueMax: queueBytes}
}

var allScripts = []script{
	both("loss-1", "1 % loss each way, 10 ms each way", emulator.Conditions{Delay: nearDelay, Loss: 0.01}),
	both("loss-5", "5 % loss each way, 10 ms each way", emulator.Conditions{Delay: nearDelay, Loss: 0.05}),
	both("loss-10", "10 % loss each way, 10 ms each way", emulator.Conditions{Delay: nearDelay, Loss: 0.1}),
	both("delay-30", "30 ms each way", emulator.Conditions{Delay: 30 * time.Millisecond}),
	both("delay-100", "100 ms each way", emulator.Conditions{Delay: 100 * time.Millisecond}),
	{"bottleneck", "3 Mbit/s, after 20 s 400 kbit/s, after 45 s 3 Mbit/s", []phase{
		{20 * time.Second, throttled(3_000_000), emulator.Conditions{Delay: nearDelay}},
		{25 * time.Second, throttled(400_000), emulator.Conditions{Delay: nearDelay}},
		{30 * time.Second, throttled(3_000_000), emulator.Conditions{Delay: nearDelay}},
	}},
}

// duration is of all phases.
func (s script) duration() (d time.Duration) {
	for _, p := range s.Steps {
		d += p.For
	}
	return d
}

// cut returns a script with a share of the time.
func (s script) cut(share float64) script {
	steps := make([]phase, len(s.Steps))
	for i, p := range s.Steps {
		p.For = time.Duration(float64(p.For) * share)
		steps[i] = p
	}
	s.Steps = steps
	return s
}
