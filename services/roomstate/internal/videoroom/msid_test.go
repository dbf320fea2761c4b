package videoroom

import "testing"

// TestAnMSIDStaysWithItsSection until something else is subscribed to in it, as at Janus.
func TestAnMSIDStaysWithItsSection(t *testing.T) {
	s := newSim(Config{})
	s.send("al", `{"request":"create","room":5,"publishers":6}`)
	for who, feed := range map[string]string{"al": "1", "bo": "2", "cy": "3"} {
		s.send(who, `{"request":"join","room":5,"ptype":"publisher","id":`+feed+`}`)
		s.send(who, `{"request":"publish"}`, "offer", "audio:opus video:vp8")
		s.up(who)
	}
	for _, c := range []struct{ who, use, joined, resubscribed string }{
		{"su", "true", "1 1", "3 1"}, {"sv", "false", "janus janus1", "janus janus1"},
	} {
		for _, step := range []struct{ request, want string }{
			{`{"request":"join","room":5,"ptype":"subscriber","use_msid":` + c.use + `,"streams":[{"feed":1}]}`, c.joined},
			{`{"request":"switch","streams":[{"feed":2,"mid":"1","sub_mid":"1"}]}`, c.joined},
			{`{"request":"configure","restart":true}`, c.joined},
			{`{"request":"unsubscribe","streams":[{"sub_mid":"1"}]}`, ""},
			{`{"request":"subscribe","streams":[{"feed":3,"mid":"1"}]}`, c.resubscribed},
			{`{"request":"unsubscribe","streams":[{"sub_mid":"1"}]}`, ""},
			{`{"request":"switch","streams":[{"feed":2,"mid":"1","sub_mid":"1"}]}`, c.resubscribed},
		} {
			s.send(c.who, step.request)
			room, err := s.plugin.Load("videoroom/5", s.fields["videoroom/5"])
			if err != nil {
				t.Fatal(err)
			}
			d := &draft{Room: room.(*Room)}
			if got := d.mediaSlots(d.subscribers[s.handle(c.who).ID], "")[1].GetMsid(); got != step.want {
				t.Errorf("%s: after %s msid is %q, want %q", c.who, step.request, got, step.want)
			}
			s.send(c.who, `{"request":"start"}`, "answer", "x")
		}
	}
}

// TestALayerOfAnotherTypeIsTheLowest where it stands in the request itself. In a list it is refused.
func TestALayerOfAnotherTypeIsTheLowest(t *testing.T) {
	s := newSim(Config{})
	s.send("al", `{"request":"create","room":5}`)
	s.send("al", `{"request":"join","room":5,"ptype":"publisher","id":1}`)
	s.send("al", `{"request":"publish"}`, "offer", "video:vp8")
	s.up("al")
	s.send("su", `{"request":"join","room":5,"ptype":"subscriber","streams":[{"feed":1}]}`)
	for _, c := range []struct {
		request string
		send    bool
		want    layers
	}{
		{`{"request":"configure","streams":[{"mid":"0","substream":"x"}]}`, true, layers{2, 2, 2, 2}},
		{`{"request":"configure","substream":-1}`, true, layers{2, 2, 2, 2}},
		{`{"request":"configure","substream":"x"}`, true, layers{0, 2, 2, 2}},
		{`{"request":"configure","mid":"0","temporal":1.5}`, true, layers{0, 0, 2, 2}},
		{`{"request":"configure","mid":7,"spatial_layer":null,"temporal_layer":[1]}`, true, layers{0, 0, 0, 0}},
		{`{"request":"configure","send":"x"}`, false, layers{0, 0, 0, 0}},
	} {
		s.send("su", c.request)
		room, err := s.plugin.Load("videoroom/5", s.fields["videoroom/5"])
		if err != nil {
			t.Fatal(err)
		}
		if sl := room.(*Room).subscribers[s.handle("su").ID].Slots[0]; sl.Targets != c.want || sl.Send != c.send {
			t.Errorf("after %s: %+v, send %v", c.request, sl.Targets, sl.Send)
		}
	}
}
