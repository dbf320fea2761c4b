package videoroom

import (
	"slices"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// TestKeysGoOnWithTheNodeThatKnowsThem: a publisher that publishes again gets back what is encrypted, on its node and nowhere else.
func TestKeysGoOnWithTheNodeThatKnowsThem(t *testing.T) {
	const (
		publishRemotely = `{"request":"publish_remotely","room":7,"publisher_id":5,"remote_id":"k","host":"10.0.0.1","port":6000,"srtp_suite":80,"srtp_crypto":"a2V5"}`
		offer           = "audio:opus video:vp8"
	)
	create := func(s *sim) {
		s.send("al", `{"request":"create","room":7}`)
		s.send("al", `{"request":"join","room":7,"ptype":"publisher","id":5}`)
	}
	publish := func(s *sim) {
		s.send("al", `{"request":"publish"}`, "offer", offer)
		s.up("al")
	}
	again := func(s *sim) {
		s.send("al", `{"request":"unpublish"}`)
		publish(s)
	}
	for name, c := range map[string]struct {
		talk func(s *sim)
		left bool
	}{
		"the same node": {func(s *sim) { create(s); publish(s); s.send("bo", publishRemotely); again(s); again(s) }, true},
		"nothing yet":   {func(s *sim) { create(s); s.send("bo", publishRemotely); publish(s); again(s) }, true},
		"another node": {func(s *sim) {
			create(s)
			s.send("cy", `{"request":"joinandconfigure","room":7,"ptype":"publisher","id":6}`, "offer", offer) // has the room elsewhere
			s.node = "here"
			publish(s)
			s.send("bo", publishRemotely)
			s.node = "elsewhere"
			s.refuse = func(q plugin.Question) error {
				if r, ok := q.Request.(*mediav1.PublishRemotelyRequest); ok && len(r.GetServers()[0].GetSrtp().GetKey()) > 0 {
					t.Error("a node gets a key that is not for it")
				}
				return nil
			}
			again(s)
			if near := s.placed[len(s.placed)-1].Near; len(near) == 0 || near[0] != "here" {
				t.Errorf("placed near %q", near)
			}
		}, false},
		"of before keepers were told": {func(s *sim) {
			create(s)
			publish(s)
			s.send("bo", publishRemotely)
			room, err := s.plugin.Load(rooms+"7", s.fields[rooms+"7"])
			if err != nil {
				t.Fatal(err)
			}
			s.rooms[rooms+"7"] = room
			for _, p := range room.(*Room).publishers {
				p.Remotizations[0].Node, p.Remotizations[0].Keeper = "", ""
			}
			again(s)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(Config{})
			c.talk(s)
			s.send("bo", `{"request":"listremotes","room":7,"publisher_id":5}`)
			last := s.log[len(s.log)-1]
			if got := strings.Contains(last, `"remote_id":"k"`); got != c.left || slices.ContainsFunc(s.log, func(l string) bool { return strings.Contains(l, `"error"`) }) {
				t.Errorf("in the end %s, after %q", last, s.log)
			}
		})
	}
}

// TestFamiliesAndTypesOfMediaAreTakenInAnyCase as Janus takes them.
func TestFamiliesAndTypesOfMediaAreTakenInAnyCase(t *testing.T) {
	s := newSim(Config{})
	var family string
	var kinds []mediav1.Kind
	s.refuse = func(q plugin.Question) error {
		switch r := q.Request.(type) {
		case *mediav1.PublishRemotelyRequest:
			family = r.GetServers()[0].GetFamily()
		case *mediav1.AcceptRemoteRequest:
			kinds = nil
			for _, stream := range r.GetStreams() {
				kinds = append(kinds, stream.GetKind())
			}
		}
		return nil
	}
	published(s, "")
	s.send("bo", `{"request":"publish_remotely","room":7,"secret":"s","publisher_id":5,"remote_id":"r","host":"h","host_family":"IPv6","port":6000}`)
	if family != "ipv6" {
		t.Errorf("the node is told of family %q, after %q", family, s.log)
	}
	s.send("bo", `{"request":"add_remote_publisher","room":7,"secret":"s","id":6,"streams":[{"type":"Audio","mid":"0","mindex":0,"codec":"opus"},{"type":"VIDEO","mid":"1","mindex":1,"codec":"vp8"},{"type":"Data","mid":"2","mindex":2}]}`)
	if want := []mediav1.Kind{mediav1.Kind_KIND_AUDIO, mediav1.Kind_KIND_VIDEO, mediav1.Kind_KIND_DATA}; !slices.Equal(kinds, want) {
		t.Errorf("the node is told of %v, after %q", kinds, s.log)
	}
	room, err := s.plugin.Load(rooms+"7", s.fields[rooms+"7"])
	if err != nil {
		t.Fatal(err)
	}
	if streams := room.(*Room).feed("6").Streams; len(streams) != 3 || streams[0].Type != audio || streams[1].Type != video || streams[2].Type != data {
		t.Errorf("the room has %+v", streams)
	}
}
