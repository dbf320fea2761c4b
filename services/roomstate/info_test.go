package roomstate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

// info is what roomstate adds to server_info.
func (c *cluster) info() map[string]any {
	c.t.Helper()
	var got map[string]any
	m, err := c.conn.Request(bus.Info, nil, 30*time.Second)
	for deadline := time.Now().Add(30 * time.Second); errors.Is(err, nats.ErrNoResponders) && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond) // no replica is there yet
		m, err = c.conn.Request(bus.Info, nil, 30*time.Second)
	}
	if err == nil {
		err = json.Unmarshal(m.Data, &got)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (e *edge) status() map[string]any {
	e.t.Helper()
	got, err := e.admin(0, "get_status", `{}`)
	if err != nil {
		e.t.Fatal(err)
	}
	return maps.Clone(got["status"].(map[string]any))
}

func TestTheCandidatesTimeoutIsToldAsItIsSet(t *testing.T) {
	c := startCluster(t, 1, func(cfg *roomstate.Config) { cfg.CandidatesTimeout = 7 * time.Second })
	if got := c.edge().status()["candidates_timeout"]; got != 7.0 {
		t.Errorf("status has %v", got)
	}
	if got := c.info()["candidates-timeout"]; got != 7.0 {
		t.Errorf("info has %v", got)
	}
	c.config.CandidatesTimeout = 0
	if c.config.Validate() == nil {
		t.Error("no time at all is taken")
	}
}

// becomes fails the test unless got is the text wanted before long.
func becomes(t *testing.T, want string, got func() any) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		is := fmt.Sprint(got())
		if is == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %s, want %s", is, want)
		}
	}
}

func TestInfoAndStatusTellWhatNodesServe(t *testing.T) {
	c := startCluster(t, 1)
	e := c.edge()
	served := func() any {
		i := c.info()
		handlers, _ := i["events"].(map[string]any)
		return fmt.Sprintf("%v %v %v %v %v %d", i["ice-tcp"], i["ipv6"], i["public-ip"], i["public-ips"], i["event_handlers"], len(handlers))
	}
	timers := func() any {
		s := e.status()
		return fmt.Sprintf("%v %v", s["no_media_timer"], s["slowlink_threshold"])
	}
	becomes(t, "false false <nil> <nil> false 0", served) // no node
	becomes(t, "1 0", timers)
	startNode(t, c.conn, "a", func(s *busv1.NodeStatus) { s.NoMediaTimerS = 0 })
	becomes(t, "0 0", timers)
	becomes(t, "false false <nil> <nil> false 0", served)
	b := startNode(t, c.conn, "b", func(s *busv1.NodeStatus) {
		s.IceTcp, s.PublicIps, s.NoMediaTimerS, s.SlowLinkThreshold, s.TellsEvents = true, []string{"192.0.2.1"}, 3, 4, true
	})
	becomes(t, "true false 192.0.2.1 <nil> true 0", served)
	becomes(t, "3 4", timers)
	startNode(t, c.conn, "c", func(s *busv1.NodeStatus) {
		s.Ipv6, s.PublicIps, s.NoMediaTimerS, s.PostsEvents = true, []string{"192.0.2.1", "2001:db8::1"}, 2, true
	})
	becomes(t, "true true 192.0.2.1 [192.0.2.1 2001:db8::1] true 1", served)
	becomes(t, "3 4", timers)

	e.wants(0, "set_no_media_timer", `{"no_media_timer":9}`, `{"no_media_timer":9}`)
	becomes(t, "9 4", timers)
	e.wants(0, "reset_media_settings", `{}`, `{"no_media_timer":3,"slowlink_threshold":4}`)
	becomes(t, "3 4", timers)
	b.stop()
	becomes(t, "false true 192.0.2.1 [192.0.2.1 2001:db8::1] false 1", served)
	becomes(t, "2 0", timers)
}
