package videoroom

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func TestHandlesAreDescribed(t *testing.T) {
	s := newSim(Config{})
	s.send("al", `{"request":"create","room":5,"bitrate":128000,"audiolevel_event":true}`)
	s.send("al", `{"request":"join","room":5,"ptype":"publisher","id":1,"display":"Al"}`)
	s.send("al", `{"request":"publish"}`, "offer", "audio:opus video:vp8")
	s.up("al")
	s.news("al", &busv1.PeerEvent{Kind: &busv1.PeerEvent_Talking_{Talking: &busv1.PeerEvent_Talking{Mid: "0", Talking: true, Level: 15.4}}})
	s.send("bo", `{"request":"join","room":5,"ptype":"subscriber","streams":[{"feed":1,"mid":"0"}]}`)
	room, err := s.plugin.Load("videoroom/5", s.fields["videoroom/5"])
	if err != nil {
		t.Fatal(err)
	}
	described := func(h plugin.HandleID) string {
		b, err := json.Marshal(s.plugin.Describe(room, h))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	peer := &mediav1.DescribePeerResponse{Sections: []*mediav1.DescribePeerResponse_Section{{Mid: "0"}, {Mid: "1", Recording: "al-1.mjr"}}}
	measured, _ := s.plugin.Describe(room, s.handle("al").ID).(plugin.Measured).With(peer).(publisherInfo)
	if measured.Streams[0].Recording != "" || measured.Streams[1].Recording != "al-1.mjr" {
		t.Errorf("recorded: %+v", measured.Streams)
	}
	for who, want := range map[string][]string{
		"al": {
			`"type":"publisher","room":5,"id":1,"private_id":`, `"display":"Al"`, `"bitrate":128000`,
			`{"type":"audio","mindex":0,"mid":"0","codec":"opus","audio-level-dBov":15,"talking":true,`, `"subscribers":1}`, `{"type":"video","mindex":1,"mid":"1","codec":"vp8","subscribers":0}`,
			`"hangingup":0,"destroyed":0`,
		},
		"bo": {`"type":"subscriber","room":5`, `"answered":false`, `"paused":false`, `"feed_id":1`},
		"cy": {`{"hangingup":0,"destroyed":0}`},
	} {
		got := described(s.handle(who).ID)
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %s in %s", who, part, got)
			}
		}
	}
}
