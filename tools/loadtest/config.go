package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/procfs"
)

// config is what can be set; the tags are its documentation.
type config struct {
	URL            string         `help:"Janus API of the server, ws:// or wss://. If it is on loopback, media may go there too." default:"ws://127.0.0.1:8188/" name:"url"`
	Rooms          int            `help:"Rooms to create." default:"1"`
	Publishers     int            `help:"Publishers in each room." default:"1"`
	Subscribers    int            `help:"Subscribers in each room; each gets all its publishers over one PeerConnection." default:"10"`
	JoinsPerSecond float64        `help:"How fast subscribers join." default:"20"`
	JoinTimeout    time.Duration  `help:"Until when media must flow, for each publisher and subscriber." default:"15s"`
	Duration       time.Duration  `help:"How long to measure, once all have joined." default:"30s"`
	VideoBitrate   int            `help:"Of each publisher's VP8, in bit/s, key frames not counted; 0 sends no video." default:"1500000"`
	Audio          bool           `help:"Send Opus too, 50 packets a second." default:"true" negatable:""`
	Paced          bool           `help:"Spread each video frame as browsers do: each 5 ms, at 2.5 times the bitrate. Otherwise its packets go out at once."`
	WholeRuns      bool           `help:"Take runs of segments (UDP_SEGMENT) uncut. Cheaper, but on a link inside this machine nobody cuts them then, which a network card or the server's kernel would have to do."`
	Repair         bool           `help:"Subscribers ask for lost packets (NACK, each 100 ms), as browsers do." default:"true" negatable:""`
	Process        map[string]int `help:"A process of the server, whose CPU and memory are shown under this name; may be repeated." placeholder:"NAME=PID"`
	PID            []int          `help:"Likewise, under the name of its program." name:"pid" placeholder:"PID"`
	Core           int            `help:"The server's core: how busy that is is shown too, whatever runs there; -1 for none." default:"-1"`
	Ops            string         `help:"Internal address of a Cardea node, http://host:port, for packets a system call and for profiles." placeholder:"URL"`
	Profiles       string         `help:"Put profiles of that node, cpu.pprof and allocs.pprof of the measured time, into this folder." type:"path" placeholder:"DIR"`
	Wait           time.Duration  `help:"How long to wait until the server listens." default:"0s"`
	JSON           string         `help:"Write the outcome to this file, too." name:"json" type:"path" placeholder:"FILE"`
	AdminKey       string         `help:"What the server wants of those who create rooms, if anything."`
}

// check returns what is wrong with the settings.
func (c *config) check() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return fmt.Errorf("--url %q: expected ws://host:port/ or wss://host:port/", c.URL)
	}
	for _, n := range []struct {
		key   string
		value int
	}{{"--rooms", c.Rooms}, {"--publishers", c.Publishers}, {"--subscribers", c.Subscribers}} {
		if n.value < 1 {
			return fmt.Errorf("%s %d: expected at least 1", n.key, n.value)
		}
	}
	switch {
	case c.Profiles != "" && (c.Ops == "" || c.Duration >= time.Minute):
		return errors.New("--profiles: wants --ops, and a --duration below 1m")
	case !(c.JoinsPerSecond > 0):
		return fmt.Errorf("--joins-per-second %v: expected more than 0", c.JoinsPerSecond)
	case c.JoinTimeout <= 0:
		return fmt.Errorf("--join-timeout %v: expected more than 0", c.JoinTimeout)
	case c.Duration <= 0:
		return fmt.Errorf("--duration %v: expected more than 0", c.Duration)
	case c.VideoBitrate < 0:
		return fmt.Errorf("--video-bitrate %d: expected at least 0", c.VideoBitrate)
	case c.VideoBitrate == 0 && !c.Audio:
		return errors.New("--video-bitrate 0 and --no-audio: nothing is left to send")
	}
	return nil
}

// processes returns the server's processes by name.
func (c *config) processes() (map[string]int, error) {
	all := map[string]int{}
	for name, pid := range c.Process {
		if _, err := procfs.Read(pid); err != nil {
			return nil, fmt.Errorf("--process %s=%d: %w", name, pid, err)
		}
		all[name] = pid
	}
	for _, pid := range c.PID {
		name, err := procfs.Name(pid)
		if err != nil {
			return nil, fmt.Errorf("--pid %d: %w", pid, err)
		}
		if _, taken := all[name]; taken {
			name = fmt.Sprintf("%s-%d", name, pid)
		}
		all[name] = pid
	}
	return all, nil
}
