package videoroom

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// orders notes what the node is told of recording.
func (s *sim) orders() *[]string {
	var all []string
	s.refuse = func(q plugin.Question) error {
		var r *mediav1.Recording
		switch q := q.Request.(type) {
		case *mediav1.AcceptOfferRequest:
			r = q.GetRecording()
		case *mediav1.UpdatePublisherRequest:
			r = q.GetRecording()
		}
		if r != nil {
			order := fmt.Sprintf("%s %t %d %v", r.GetBase(), r.GetStamped(), r.GetTake(), r.GetDescriptions())
			if r.GetOtherwise() != "" {
				order += " or " + r.GetOtherwise()
			}
			all = append(all, order)
		}
		return nil
	}
	return &all
}

func TestRecordingFollowsItsFlags(t *testing.T) {
	const join, configure = `{"request":"join","room":7,"ptype":"publisher","id":5}`, `{"request":"configure"`
	const none = " false 0 map[]"
	for name, c := range map[string]struct {
		room string
		does func(s *sim)
		want []string
	}{
		"room": {`"record":true,"rec_dir":"d"`, func(s *sim) {
			s.send("al", configure+`,"descriptions":[{"mid":"0","description":"x"}]}`, "offer", "audio:opus")
			s.up("al")
			s.send("al", configure+`}`, "offer", "audio:opus video:vp8")
		}, []string{"d/videoroom-7-user-5 true 1 map[0:x]", "d/videoroom-7-user-5 true 1 map[0:x]"}},
		"own": {`"record":false`, func(s *sim) {
			s.send("al", configure+`}`, "offer", "audio:opus")
			s.up("al")
			s.send("al", configure+`,"record":true,"filename":"a/b"}`)
			s.send("al", configure+`,"filename":"later"}`)
			s.send("al", configure+`,"record":false}`)
			s.send("al", configure+`,"record":true}`)
		}, []string{none, "a/b false 1 map[]", none, "later false 2 map[]"}},
		"switched for all": {`"record":false`, func(s *sim) {
			s.send("al", configure+`}`, "offer", "audio:opus")
			s.up("al")
			s.send("bo", `{"request":"join","room":7,"ptype":"publisher","id":6}`) // publishes nothing
			s.send("bo", `{"request":"enable_recording","room":7,"record":true}`)
			s.send("bo", `{"request":"enable_recording","room":7,"record":false}`)
		}, []string{none, "videoroom-7-user-5 true 1 map[]", none}},
		"published again": {`"record":true`, func(s *sim) {
			for range 2 {
				s.send("al", `{"request":"publish"}`, "offer", "audio:opus")
				s.up("al")
				s.send("al", `{"request":"unpublish"}`)
			}
		}, []string{"videoroom-7-user-5 true 1 map[]", "videoroom-7-user-5 true 2 map[]"}},
		"names that lead out": {`"record":true`, func(s *sim) {
			s.send("al", configure+`,"filename":"../x"}`, "offer", "audio:opus")
			s.up("al")
		}, []string{"videoroom-7-user-5 true 1 map[]"}},
		"whole paths are the node's to judge": {`"record":true,"rec_dir":"/rec/7"`, func(s *sim) {
			s.send("al", configure+`,"filename":"/rec/x"}`, "offer", "audio:opus")
			s.up("al")
		}, []string{"/rec/x false 1 map[] or /rec/7/videoroom-7-user-5"}},
		"names with other systems' separators": {`"record":true`, func(s *sim) {
			s.send("al", configure+`,"filename":"/rec\\x"}`, "offer", "audio:opus")
			s.up("al")
		}, []string{"videoroom-7-user-5 true 1 map[]"}},
		"locked": {`"lock_record":true,"secret":"s"`, func(s *sim) {
			s.send("al", configure+`,"record":true}`, "offer", "audio:opus")
			s.up("al")
			s.send("al", configure+`,"record":true,"secret":"no"}`)
			s.send("al", configure+`,"record":true,"filename":"f","secret":"s"}`)
		}, []string{none, "f false 1 map[]"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(Config{})
			got := s.orders()
			s.send("al", `{"request":"create","room":7,`+c.room+`}`)
			s.send("al", join)
			c.does(s)
			if orders := slices.Compact(*got); !slices.Equal(orders, slices.Compact(c.want)) {
				t.Errorf("orders %q, want %q", *got, c.want)
			}
		})
	}
}

func TestIDsMakePlainNames(t *testing.T) {
	for id, want := range map[ID]string{"1234": "1234", ID(stringID("../a\x00b\\")): ".._a_b_"} {
		if got := plainName(id); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
}
