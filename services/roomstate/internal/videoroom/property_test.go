package videoroom

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// feeds is what an endpoint knows to be published, by what it was told alone.
func feeds(t *rapid.T, name string, heard []map[string]any) map[float64]bool {
	known := map[float64]bool{}
	for _, data := range heard {
		list, _ := data["publishers"].([]any)
		for _, item := range list {
			id, _ := item.(map[string]any)["id"].(float64)
			if known[id] {
				t.Fatalf("%s was told of feed %v twice", name, id)
			}
			known[id] = true
		}
		for _, key := range []string{"unpublished", "leaving", "kicked"} {
			if id, ok := data[key].(float64); ok {
				delete(known, id)
			}
		}
	}
	return known
}

// Whoever is in a room knows exactly the feeds that are live in it: each from its joined or from an event, and none
// twice.
func TestEveryoneKnowsExactlyTheLiveFeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(Config{})
		s.send("al", `{"request":"create","room":1,"publishers":3}`)
		people := []string{"al", "bo", "cy", "dy"}
		ids := map[string]int{"al": 1, "bo": 2, "cy": 3, "dy": 4}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			who := rapid.SampledFrom(people).Draw(t, "who")
			switch rapid.SampledFrom([]string{"join", "publish", "up", "unpublish", "leave", "closed", "detach", "kick"}).Draw(t, "what") {
			case "join":
				s.heard[who] = nilIfNew(s, who)
				s.send(who, fmt.Sprintf(`{"request":"join","room":1,"ptype":"publisher","id":%d}`, ids[who]))
			case "publish":
				if !isLive(s, who) { // a new offer is announced again, rightly
					s.send(who, `{"request":"configure"}`, "offer", "audio:opus video:vp8")
				}
			case "up":
				s.up(who)
			case "unpublish":
				s.send(who, `{"request":"unpublish"}`)
			case "leave":
				s.send(who, `{"request":"leave"}`)
			case "closed":
				s.closed(who, "ICE failed")
			case "detach":
				s.detach(who)
				delete(s.heard, who)
			case "kick":
				s.send(who, fmt.Sprintf(`{"request":"kick","room":1,"id":%d}`, ids[rapid.SampledFrom(people).Draw(t, "whom")]))
			}
			s.check(t)
			checkKnown(t, s)
		}
	})
}

// nilIfNew forgets what a handle heard that cannot join any more.
func nilIfNew(s *sim, who string) []map[string]any {
	if s.handle(who).Room == "" {
		return nil
	}
	return s.heard[who]
}

func isLive(s *sim, who string) bool {
	p := present(s)[who]
	return p != nil && p.live()
}

func present(s *sim) map[string]*publisher {
	loaded, err := s.plugin.Load("videoroom/1", s.fields["videoroom/1"])
	if err != nil {
		panic(err)
	}
	in := map[string]*publisher{}
	for id, p := range loaded.(*Room).publishers {
		in[s.names[id]] = p
	}
	return in
}

func checkKnown(t *rapid.T, s *sim) {
	in := present(s)
	for who := range in {
		known := feeds(t, who, s.heard[who])
		for other, p := range in {
			if other == who {
				continue
			}
			var id float64
			if err := json.Unmarshal([]byte(p.ID), &id); err != nil {
				t.Fatal(err)
			}
			if known[id] != p.live() {
				t.Fatalf("%s knows %v, but %s live: %t", who, known, other, p.live())
			}
			delete(known, id)
		}
		if len(known) > 0 {
			t.Fatalf("%s still knows %v", who, known)
		}
	}
}

// A subscriber has never two offers without an answer, whatever comes, and what it lacks is offered in the end.
func TestOneOfferAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(Config{})
		s.send("al", `{"request":"create","room":1}`)
		for i, who := range []string{"al", "bo"} {
			s.send(who, fmt.Sprintf(`{"request":"join","room":1,"ptype":"publisher","id":%d}`, i+1))
			s.send(who, `{"request":"publish"}`, "offer", "audio:opus video:vp8")
			s.up(who)
		}
		open := 0
		step := func(f func()) {
			s.log = nil
			f()
			for _, line := range s.log {
				if strings.HasPrefix(line, "su <") && strings.Contains(line, " + offer ") {
					open++
				}
			}
			if open > 1 {
				t.Fatalf("two offers without an answer: %s", strings.Join(s.log, "\n"))
			}
			s.check(t)
		}
		step(func() { s.send("su", `{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":1}]}`) })
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			body := rapid.SampledFrom([]string{
				`{"request":"subscribe","streams":[{"feed":2}]}`, `{"request":"subscribe","streams":[{"feed":1,"mid":"1"}]}`,
				`{"request":"unsubscribe","streams":[{"feed":1}]}`, `{"request":"unsubscribe","streams":[{"sub_mid":"1"}]}`,
				`{"request":"configure","restart":true}`, `{"request":"configure","update":true}`, `{"request":"pause"}`,
				`{"request":"switch","feed":2}`, `{"request":"switch","feed":1}`, "answer", "republish", "lose", "refuse",
			}).Draw(t, "what")
			switch body {
			case "answer":
				if open > 0 {
					open--
					step(func() { s.send("su", `{"request":"start"}`, "answer", "x") })
				}
			case "republish":
				step(func() {
					s.send("bo", `{"request":"unpublish"}`)
					s.send("bo", `{"request":"publish"}`, "offer", "audio:opus video:vp9")
					s.up("bo")
				})
			case "lose":
				open = 0
				step(func() { s.closed("su", "DTLS alert") })
			case "refuse":
				s.refuse = func(plugin.Question) error { return fault.Newf(fault.NodeUnavailable, "busy") }
				step(func() { s.send("al", `{"request":"unpublish"}`) })
				s.refuse = nil
			default:
				step(func() { s.send("su", body) })
			}
		}
	})
}
