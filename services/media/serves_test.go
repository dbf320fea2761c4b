package media

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

func TestBeatsSayWhatTheNodeServes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Config)
		want   func(*busv1.NodeStatus) bool
	}{
		"ICE-TCP, IPv4": {func(*Config) {}, func(s *busv1.NodeStatus) bool {
			return s.GetIceTcp() && !s.GetIpv6() && slices.Equal(s.GetPublicIps(), []string{"127.0.0.1"}) &&
				s.GetNoMediaTimerS() == 1 && s.GetSlowLinkThreshold() == 0 && !s.GetTellsEvents()
		}},
		"no ICE-TCP, IPv6, timers, events": {func(c *Config) {
			c.TCP, c.Advertise = false, []netip.Addr{netip.MustParseAddr("2001:db8::1")}
			c.NoMediaTimer, c.SlowLinkThreshold, c.Events.Subject, c.Events.Queue = 5, 7, "events", 10
		}, func(s *busv1.NodeStatus) bool {
			return !s.GetIceTcp() && s.GetIpv6() && slices.Equal(s.GetPublicIps(), []string{"2001:db8::1"}) &&
				s.GetNoMediaTimerS() == 5 && s.GetSlowLinkThreshold() == 7 && s.GetTellsEvents() && !s.GetPostsEvents()
		}},
		"its interfaces' addresses": {func(c *Config) { c.Advertise = nil }, func(s *busv1.NodeStatus) bool { return len(s.GetPublicIps()) == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c.change)
			heard := make(chan *busv1.NodeStatus, 100)
			sub, err := s.nats.Subscribe(bus.NodeBeats, beats(t, func(b *busv1.NodeStatus) { heard <- b }))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = sub.Unsubscribe() }()
			select {
			case status := <-heard:
				if !c.want(status) {
					t.Errorf("a beat says %v", status)
				}
			case <-time.After(patience):
				t.Fatal("no beat")
			}
		})
	}
}

func TestWhatNobodyHasSetIsAsTheNodeWasStarted(t *testing.T) {
	t.Parallel()
	cfg := Config{Common: Common{NoMediaTimer: 2, SlowLinkThreshold: 3}}
	for _, c := range []struct {
		set              *busv1.MediaSettings
		timer, threshold uint32
	}{
		{&busv1.MediaSettings{}, 2, 3},
		{&busv1.MediaSettings{NoMediaTimerS: new(uint32(0))}, 0, 3},
		{&busv1.MediaSettings{NoMediaTimerS: new(uint32(9)), SlowLinkThreshold: new(uint32(0))}, 9, 0},
	} {
		if timer, threshold := cfg.timers(c.set); timer != c.timer || threshold != c.threshold {
			t.Errorf("%v: %d s, %d packets", c.set, timer, threshold)
		}
	}
}
