package videoroom

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// with gives a handle the rights of a token.
func (s *sim) with(name string, r plugin.Rights) {
	h := s.handle(name)
	h.Rights = &r
	s.handles[h.ID] = h
}

// said is what came of a request.
func (s *sim) said(who, body string, jsep ...string) string {
	s.log = nil
	s.send(who, body, jsep...)
	return strings.Join(s.log, "\n")
}

const (
	notThisRoom = "token is not for this room"
	notTheRole  = "token's role may not do this"
)

func TestEachRequestIsForSomeRole(t *testing.T) {
	all := slices.Concat(slices.Collect(maps.Keys(syncRequests)), slices.Collect(maps.Keys(joinRequests)),
		slices.Collect(maps.Keys(publisherRequests)), slices.Collect(maps.Keys(subscriberRequests)))
	for _, name := range all {
		if least[name] == 0 {
			t.Errorf("%s is for no role", name)
		}
	}
	for name := range least {
		if !slices.Contains(all, name) {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestWhatEachRoleMayDo(t *testing.T) {
	requests := []struct {
		body string
		who  string // the first role that may
	}{
		{`{"request":"list"}`, "subscriber"},
		{`{"request":"exists","room":7}`, "subscriber"},
		{`{"request":"listparticipants","room":7}`, "subscriber"},
		{`{"request":"configure","display":"x"}`, "subscriber"},
		{`{"request":"unpublish"}`, "publisher"},
		{`{"request":"kick","room":7,"id":5}`, "moderator"},
		{`{"request":"MODERATE","room":7,"id":6,"mid":"0","mute":true}`, "moderator"}, // however it is written
		{`{"request":"allowed","room":7,"action":"disable"}`, "moderator"},
		{`{"request":"edit","room":7,"new_description":"x"}`, "admin"},
		{`{"request":"enable_recording","room":7,"record":false}`, "admin"},
		{`{"request":"listforwarders","room":7}`, "admin"},
		{`{"request":"rtp_forward","room":7,"publisher_id":6,"host":"192.0.2.1"}`, "admin"},
		{`{"request":"create","room":8}`, "admin"},
		{`{"request":"destroy","room":7}`, "admin"},
	}
	roles := []string{"subscriber", "publisher", "moderator", "admin"}
	for rank, role := range roles {
		s := newSim(Config{})
		s.send("maker", `{"request":"create","room":7,"secret":"s"}`)
		s.send("five", `{"request":"join","ptype":"publisher","room":7,"id":5}`)
		s.send("six", `{"request":"join","ptype":"publisher","room":7,"id":6}`)
		s.with("me", plugin.Rights{AnyRoom: true, Role: role})
		if said := s.said("me", `{"request":"join","ptype":"publisher","room":7,"id":1}`); !strings.Contains(said, `"joined"`) {
			t.Fatalf("%s joins: %s", role, said)
		}
		for _, r := range requests {
			said := s.said("me", r.body)
			may := slices.Index(roles, r.who) <= rank
			// The room's secret is not given: the role does as well.
			if strings.Contains(said, notTheRole) == may || may && (strings.Contains(said, "433") || strings.Contains(said, "wrong secret") || strings.Contains(said, "(secret)")) {
				t.Errorf("%s: %s: %s", role, r.body, said)
			}
		}
		if there := strings.Contains(s.said("maker", `{"request":"exists","room":7}`), `"exists":true`); there == (role == "admin") {
			t.Errorf("%s: the room is there: %v", role, there)
		}
	}
}

func TestASubscriberPublishesByNoRequest(t *testing.T) {
	s := newSim(Config{})
	s.send("maker", `{"request":"create","room":7}`)
	s.with("sub", plugin.Rights{AnyRoom: true, Role: "subscriber"})
	if said := s.said("sub", `{"request":"joinandconfigure","ptype":"publisher","room":7}`, "offer", "audio:opus"); !strings.Contains(said, notTheRole) {
		t.Errorf("joinandconfigure: %s", said)
	}
	s.send("sub", `{"request":"join","ptype":"publisher","room":7}`)
	for _, request := range []string{"publish", "configure"} {
		if said := s.said("sub", `{"request":"`+request+`"}`, "offer", "audio:opus"); !strings.Contains(said, notTheRole) {
			t.Errorf("%s: %s", request, said)
		}
	}
	// It may receive what others publish.
	s.with("pub", plugin.Rights{AnyRoom: true, Role: "publisher"})
	s.send("pub", `{"request":"join","ptype":"publisher","room":7,"id":5}`)
	if said := s.said("pub", `{"request":"publish"}`, "offer", "audio:opus"); strings.Contains(said, "error") {
		t.Fatalf("a publisher publishes: %s", said)
	}
	s.up("pub")
	s.with("sub2", plugin.Rights{AnyRoom: true, Role: "subscriber"})
	if said := s.said("sub2", `{"request":"join","ptype":"subscriber","room":7,"streams":[{"feed":5}]}`); !strings.Contains(said, "attached") {
		t.Errorf("subscribing: %s", said)
	}
	if said := s.said("sub2", `{"request":"start"}`, "answer", "audio:opus"); strings.Contains(said, "error") {
		t.Errorf("answering: %s", said)
	}
}

func TestATokenIsForItsRoomsOnly(t *testing.T) {
	s := newSim(Config{})
	for _, body := range []string{`{"request":"create","room":7}`, `{"request":"create","room":8}`, `{"request":"create","room":9}`} {
		s.send("maker", body)
	}
	for name, r := range map[string]plugin.Rights{"plain": {Rooms: []string{"7", "8"}}, "admin": {Rooms: []string{"7", "8"}, Role: "admin"}} {
		s.with(name, r)
		for _, request := range []string{
			`{"request":"exists","room":9}`, `{"request":"listparticipants","room":9}`, `{"request":"edit","room":9}`,
			`{"request":"destroy","room":9}`, `{"request":"kick","room":9,"id":1}`, `{"request":"join","ptype":"publisher","room":9}`,
			`{"request":"join","ptype":"subscriber","room":9,"streams":[{"feed":5}]}`, `{"request":"create","room":10}`, `{"request":"create"}`,
		} {
			if said := s.said(name, request); !strings.Contains(said, notThisRoom) {
				t.Errorf("%s: %s: %s", name, request, said)
			}
		}
		if said := s.said(name, `{"request":"list"}`); !strings.Contains(said, `"room":7`) || !strings.Contains(said, `"room":8`) || strings.Contains(said, `"room":9`) {
			t.Errorf("%s: list: %s", name, said)
		}
		if said := s.said(name, `{"request":"join","ptype":"publisher","room":7}`); !strings.Contains(said, `"joined"`) {
			t.Errorf("%s: join: %s", name, said)
		}
		if said := s.said(name, `{"request":"exists","room":9}`); !strings.Contains(said, notThisRoom) {
			t.Errorf("%s: from a room about another: %s", name, said)
		}
	}
	s.with("nowhere", plugin.Rights{})
	if said := s.said("nowhere", `{"request":"join","ptype":"publisher","room":7}`); !strings.Contains(said, notThisRoom) {
		t.Errorf("without any room: %s", said)
	}
}

func TestWithoutARoleRoomsAskForTheirSecret(t *testing.T) {
	s := newSim(Config{})
	s.send("maker", `{"request":"create","room":7,"secret":"s"}`)
	for role, asked := range map[string]bool{"": true, "admin": false} {
		s.with("x"+role, plugin.Rights{Rooms: []string{"7"}, Role: role})
		if said := s.said("x"+role, `{"request":"edit","room":7}`); strings.Contains(said, "secret") != asked {
			t.Errorf("role %q: %s", role, said)
		}
	}
	// Nothing stands for the administrator's key.
	s = newSim(Config{AdminKey: plugin.Fixed("k")})
	s.with("a", plugin.Rights{AnyRoom: true, Role: "admin"})
	if said := s.said("a", `{"request":"create","room":7}`); !strings.Contains(said, "admin_key") {
		t.Errorf("create: %s", said)
	}
}
