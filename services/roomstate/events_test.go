package roomstate_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

// told is an event as event handlers get it.
type told struct {
	Type      events.Type
	Subtype   int
	SessionID uint64 `json:"session_id"`
	HandleID  uint64 `json:"handle_id"`
	OpaqueID  string `json:"opaque_id"`
	Event     object
}

// what is the word by which an event's body is known.
func (e *told) what() string {
	for _, body := range []object{e.Event, asObject(e.Event["data"])} {
		for _, name := range []string{"name", "event"} {
			if s, ok := body[name].(string); ok {
				return s
			}
		}
	}
	return ""
}

func asObject(v any) object {
	o, _ := v.(map[string]any)
	return o
}

// listen returns what event handlers are told on the subject until one fits.
func (c *cluster) listen() (until func(fits func(*told) bool) []told) {
	c.t.Helper()
	heard := make(chan *nats.Msg, 1000)
	sub, err := c.conn.ChanSubscribe("test.events", heard)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = sub.Unsubscribe() })
	if err := c.conn.Flush(); err != nil {
		c.t.Fatal(err)
	}
	return func(fits func(*told) bool) []told {
		c.t.Helper()
		var all []told
		for {
			select {
			case m := <-heard:
				var e told
				if err := json.Unmarshal(m.Data, &e); err != nil {
					c.t.Fatalf("%s: %v", m.Data, err)
				}
				all = append(all, e)
				if fits(&e) {
					return all
				}
			case <-time.After(20 * time.Second):
				c.t.Fatalf("no such event among %v", all)
			}
		}
	}
}

func withEvents(cfg *roomstate.Config) {
	cfg.Events = events.Config{Subject: "test.events", Mask: []string{"all"}, Queue: 1000, Timeout: time.Second, Emitter: "test"}
}

func TestEventHandlersAreToldOnceOfWhatIsRepeated(t *testing.T) {
	c := startCluster(t, 2, withEvents)
	until := c.listen()
	e := c.edge()
	s := &session{edge: e, id: randomID(), socket: &busv1.Socket{Edge: "e", Id: "socket"}}
	s.listen()
	repeat := func(cmd *busv1.Command) {
		t.Helper()
		for range 3 {
			s.must(proto.CloneOf(cmd))
		}
	}
	repeat(&busv1.Command{Id: bus.NewCommandID(), SessionId: s.id, Socket: s.socket, Verb: &busv1.Command_Create{Create: &busv1.Create{}}})
	h := &handle{session: s, id: randomID()}
	attach := s.command()
	attach.Verb = &busv1.Command_Attach{Attach: &busv1.Attach{NewHandleId: h.id, Plugin: videoRoom, OpaqueId: "app"}}
	repeat(attach)
	repeat(h.message(`{"request":"create","room":1}`))
	repeat(h.message(`{"request":"join","room":1,"ptype":"publisher","id":5}`))
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":6}`) // refused
	repeat(h.message(`{"request":"leave"}`))
	repeat(h.message(`{"request":"destroy","room":1}`))
	destroy := s.command()
	destroy.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
	repeat(destroy)

	// Replicas tell each by itself, so the last that was done need not be the last that is heard of.
	heard := 0
	all := until(func(*told) bool { heard++; return heard == 8 })
	count := map[string]int{}
	for i := range all {
		ev := &all[i]
		count[ev.what()]++
		switch {
		case ev.what() == "leaving":
			if ev.SessionID != 0 || ev.HandleID != 0 {
				t.Errorf("%+v is about a handle", ev)
			}
		case ev.SessionID != s.id, ev.Type != events.Session && (ev.HandleID != h.id || ev.OpaqueID != "app"):
			t.Errorf("%+v is about something else", ev)
		}
	}
	// A room and a session are both created, and destroyed.
	for what, want := range map[string]int{
		"created": 2, "attached": 1, "joined": 1, "leaving": 1, "destroyed": 2, "detached": 1,
	} {
		if count[what] != want {
			t.Errorf("%s: %d times, want %d", what, count[what], want)
		}
	}
	if len(count) != 6 {
		t.Errorf("got %v", count)
	}
	transport := asObject(all[0].Event["transport"])
	if transport["transport"] != "janus.transport.websockets" || transport["id"] != "socket" {
		t.Errorf("created over %v", transport)
	}
}

func TestEventHandlersAreToldOfATimeout(t *testing.T) {
	c := startCluster(t, 2, withEvents, func(cfg *roomstate.Config) { cfg.SessionTimeout = time.Second })
	until := c.listen()
	s := c.edge().session()
	s.attach(videoRoom)
	all := until(func(e *told) bool { return e.what() == "detached" })
	timeouts := 0
	for i := range all {
		if all[i].what() == "timeout" && all[i].SessionID == s.id {
			timeouts++
		}
	}
	if timeouts != 1 {
		t.Errorf("%d timeouts in %v", timeouts, all)
	}
}

func TestEventHandlersAreToldOfTrickledCandidates(t *testing.T) {
	c := startCluster(t, 1, withEvents)
	until := c.listen()
	h := c.edge().session().attach(videoRoom)
	cmd := h.command()
	cmd.Verb = &busv1.Command_Trickle{Trickle: &busv1.Trickle{Candidates: []string{
		`{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}`, `{"candidate":""}`, `5`,
	}}}
	h.must(cmd)
	all := until(func(e *told) bool { return e.Type == events.WebRTC })
	if last := all[len(all)-1]; last.Subtype != events.RemoteCandidate || last.Event["remote-candidate"] != "1 1 udp 1 192.0.2.1 9 typ host" {
		t.Errorf("got %+v", last)
	}
}
