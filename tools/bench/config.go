package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// config is what can be set; the tags are its documentation.
type config struct {
	Janus      string        `help:"Janus's program." default:"janus"`
	Cardea     string        `help:"Cardea's standalone." required:"" placeholder:"FILE"`
	Load       string        `help:"The load generator, loadtest." required:"" placeholder:"FILE"`
	Floor      string        `help:"The program floor, to measure what sending costs at least." placeholder:"FILE"`
	Scenarios  []string      `help:"Which to run, of ${scenarios}; 'none' for none." default:"${scenarios}"`
	Rounds     int           `help:"How often each is run." default:"3"`
	Duration   time.Duration `help:"How long to measure each time." default:"10s"`
	Ceiling    bool          `help:"Find how many subscribers one core serves." default:"true" negatable:""`
	Quick      bool          `help:"One round of 4 s of each, no ceiling: to see that all works, not to be believed."`
	Paced      bool          `help:"Publishers spread a frame over time; otherwise its packets leave at once, as browsers' do."`
	ServerCore int           `help:"Core of the server." default:"0"`
	LoadCore   int           `help:"Core of the load." default:"1"`
	Offload    bool          `help:"Nobody cuts runs of segments (UDP_SEGMENT) into packets, as if the network card did it. Otherwise the kernel does, in the server's time, or, without --steer, where it receives."`
	Steer      bool          `help:"A thread of the kernel takes what subscribers get, on the load's core, as if it were a machine of its own. Otherwise the server's time pays for it." default:"true" negatable:""`
	Profiles   string        `help:"Measure nothing: have Cardea profile itself in each scenario, and put that into this folder." type:"path" placeholder:"DIR"`
	JSON       string        `help:"Write all that was measured to this file." type:"path" placeholder:"FILE" name:"json"`
	Markdown   string        `help:"Write the tables to this file, too." type:"path" placeholder:"FILE"`
}

// check returns what is wrong with the settings, and works out what follows from them.
func (c *config) check() error {
	if c.Quick {
		c.Rounds, c.Duration, c.Ceiling = 1, 4*time.Second, false
	}
	if slices.Equal(c.Scenarios, []string{"none"}) {
		c.Scenarios = nil
	}
	for _, name := range c.Scenarios {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.Name == name }) {
			return fmt.Errorf("--scenarios %s: there are %s", name, scenarioNames())
		}
	}
	switch {
	case c.Rounds < 1:
		return fmt.Errorf("--rounds %d: expected at least 1", c.Rounds)
	case c.Duration < time.Second:
		return fmt.Errorf("--duration %v: expected at least 1s", c.Duration)
	case c.ServerCore == c.LoadCore || min(c.ServerCore, c.LoadCore) < 0:
		return errors.New("--server-core and --load-core: expected two different cores")
	}
	return nil
}

// scenario is one kind of load.
type scenario struct {
	Name        string
	Rooms       int
	Publishers  int // in each room
	Subscribers int // in each room; each gets all publishers of it
	Audio       bool
	Video       bool
	maxCPU      float64 // of Janus's CPU for each packet; 0 for no limit
}

var scenarios = []scenario{
	{Name: "1-100", Rooms: 1, Publishers: 1, Subscribers: 100, Audio: true, Video: true, maxCPU: 0.25},
	{Name: "1-200", Rooms: 1, Publishers: 1, Subscribers: 200, Audio: true, Video: true, maxCPU: 0.25},
	{Name: "10x3-6", Rooms: 10, Publishers: 3, Subscribers: 6, Audio: true, Video: true, maxCPU: 0.25},
	{Name: "10-20", Rooms: 1, Publishers: 10, Subscribers: 20, Audio: true, Video: true, maxCPU: 0.34},
	{Name: "audio-1-300", Rooms: 1, Publishers: 1, Subscribers: 300, Audio: true},
}

const videoBitrate = 1_500_000 // bit/s

// about is a scenario in words.
func (s scenario) about() string {
	words := fmt.Sprintf("%d → %d", s.Publishers, s.Subscribers)
	if s.Rooms > 1 {
		words = fmt.Sprintf("%d rooms of %s", s.Rooms, words)
	}
	if !s.Video {
		words += ", audio only"
	}
	return words
}

func scenarioNames() string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.Name)
	}
	return strings.Join(names, ",")
}

// joinsPerSecond keeps joining short without making it a rush.
const joinsPerSecond = 50

// expected is about how long one run of s takes.
func (s scenario) expected(measured time.Duration) time.Duration {
	joins := time.Duration(s.Rooms*s.Subscribers) * time.Second / joinsPerSecond
	publishing := time.Duration(s.Rooms*s.Publishers) * 250 * time.Millisecond
	return measured + joins + publishing + 9*time.Second
}
