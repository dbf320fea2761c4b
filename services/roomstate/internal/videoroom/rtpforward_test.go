package videoroom

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// forwards notes what the node is told of forwarders, and fails as refusal says.
func (s *sim) forwards(refusal *error) *[]string {
	var all []string
	s.refuse = func(q plugin.Question) error {
		switch r := q.Request.(type) {
		case *mediav1.ForwardRequest:
			all = all[:0]
			for _, f := range r.GetForwarders() {
				all = append(all, fmt.Sprintf("%s %s%s:%d/%d ssrc %d pt %d simulcast %t layer %d srtp %d %d key %t",
					f.GetMid(), f.GetFamily(), f.GetHost(), f.GetPort(), f.GetRtcpPort(), f.GetSsrc(), f.GetPayloadType(),
					f.GetSimulcast(), f.GetLayer(), f.GetSrtpSuite(), len(f.GetSrtpKey()), f.GetKeyframe()))
			}
			return *refusal
		case *mediav1.StopForwardRequest:
			all = append(all[:0], "stop")
		}
		return nil
	}
	return &all
}

func published(s *sim, more string) {
	s.send("al", `{"request":"create","room":7,"secret":"s"`+more+`}`)
	s.send("al", `{"request":"join","room":7,"ptype":"publisher","id":5}`)
	s.send("al", `{"request":"configure"}`, "offer", "audio:opus video:vp8/sim video:vp8")
	s.up("al")
}

func TestForwardersAsAskedFor(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, 30))
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"streams": {`"streams":[{"mid":"0","port":10,"rtcp_port":11,"ssrc":3,"pt":4},{"mid":"9","port":12}]`,
			[]string{"0 h:10/11 ssrc 3 pt 4 simulcast false layer 0 srtp 0 0 key false"}},
		"layers": {`"streams":[{"mid":"1","port":10,"port_2":12,"pt_2":9,"port_3":14,"ssrc_3":8}]`, []string{
			"1 h:10/0 ssrc 0 pt 0 simulcast false layer 0 srtp 0 0 key false",
			"1 h:12/0 ssrc 0 pt 9 simulcast false layer 1 srtp 0 0 key false",
			"1 h:14/0 ssrc 8 pt 0 simulcast false layer 2 srtp 0 0 key false"}},
		"best layer": {`"streams":[{"mid":"1","port":10,"port_2":12,"simulcast":true},{"mid":"2","port":14,"port_2":16,"simulcast":true}]`, []string{
			"1 h:10/0 ssrc 0 pt 0 simulcast true layer 0 srtp 0 0 key false",
			"2 h:14/0 ssrc 0 pt 0 simulcast false layer 0 srtp 0 0 key false"}},
		"no sound key": {`"host_family":"ipv4","streams":[{"mid":"0","port":10,"srtp_suite":80,"srtp_crypto":"abc"},{"mid":"2","port":12,"srtp_suite":80,"srtp_crypto":"abc"}]`, nil},
		"too large a payload type": {`"streams":[{"mid":"0","port":10,"pt":300}]`, []string{
			"0 h:10/0 ssrc 0 pt 44 simulcast false layer 0 srtp 0 0 key false"}},
		"own hosts": {`"host_family":"IPv4","srtp_suite":80,"srtp_crypto":"` + key + `","streams":[{"mid":"0","port":10},{"mid":"2","port":12,"host":"i","srtp_suite":32,"srtp_crypto":"` + key + `"}]`, []string{
			"0 ipv4h:10/0 ssrc 0 pt 0 simulcast false layer 0 srtp 80 30 key false",
			"2 i:12/0 ssrc 0 pt 0 simulcast false layer 0 srtp 32 30 key false"}},
		"own family in any case": {`"host_family":"ipv4","streams":[{"mid":"0","port":10,"host_family":"IPV6"}]`, []string{
			"0 ipv6h:10/0 ssrc 0 pt 0 simulcast false layer 0 srtp 0 0 key false"}},
		"legacy": {`"audio_port":10,"audio_pt":1,"video_port":12,"video_rtcp_port":13,"video_port_3":14,"video_ssrc_3":5,"data_port":16`, []string{
			"0 h:10/0 ssrc 0 pt 1 simulcast false layer 0 srtp 0 0 key true",
			"1 h:12/13 ssrc 0 pt 0 simulcast false layer 0 srtp 0 0 key true",
			"1 h:14/0 ssrc 5 pt 0 simulcast false layer 2 srtp 0 0 key true"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, refusal := newSim(Config{}), error(nil)
			got := s.forwards(&refusal)
			published(s, "")
			s.send("bo", `{"request":"rtp_forward","room":7,"secret":"s","publisher_id":5,"host":"h",`+c.body+`}`)
			if !slices.Equal(*got, c.want) {
				t.Errorf("asked for %q, want %q", *got, c.want)
			}
		})
	}
}

func TestOldFormTellsWhereFeedbackIsExpected(t *testing.T) {
	s := newSim(Config{})
	published(s, "")
	s.log = nil
	s.send("al", `{"request":"rtp_forward","room":7,"secret":"s","publisher_id":5,"host":"h","audio_port":10,"video_port":12,"video_rtcp_port":13}`)
	if said := strings.Join(s.log, ""); !strings.Contains(said, `"video_rtcp":13`) || strings.Contains(said, `"audio_rtcp"`) {
		t.Errorf("said %s", said)
	}
}

func TestForwardersLastAsLongAsTheirStreams(t *testing.T) {
	s, refusal := newSim(Config{}), error(nil)
	orders := s.forwards(&refusal)
	published(s, "")
	forward := `{"request":"rtp_forward","room":7,"secret":"s","publisher_id":5,"host":"h","streams":[{"mid":"0","port":10},{"mid":"1","port":12}]}`
	listed := func() []forwarded {
		s.send("bo", `{"request":"listforwarders","room":7,"secret":"s"}`)
		for _, p := range s.rooms[rooms+"7"].(*Room).publishers {
			return p.Forwards
		}
		return nil
	}
	loaded := func() []forwarded {
		if s.rooms[rooms+"7"] == nil { // the simulation forgets rooms now and then
			room, err := s.plugin.Load(rooms+"7", s.fields[rooms+"7"])
			if err != nil {
				t.Fatal(err)
			}
			s.rooms[rooms+"7"] = room
		}
		return listed()
	}
	s.send("bo", forward)
	if told := string(request.Render(s.noticed)); strings.Count(told, `"event":"rtp_forward"`) != 2 {
		t.Errorf("event handlers are told %s", told)
	}
	all := loaded()
	if len(all) != 2 || all[0].ID == all[1].ID || all[0].ID == 0 {
		t.Fatalf("forwarders %+v", all)
	}
	if last := s.log[len(s.log)-1]; strings.Count(last, `"stream_id":`) != 2 {
		t.Errorf("listed %s", last)
	}
	s.send("bo", fmt.Sprintf(`{"request":"stop_rtp_forward","room":7,"secret":"s","publisher_id":5,"stream_id":%d}`, all[0].ID))
	if told := string(request.Render(s.noticed)); !strings.Contains(told, `"event":"stop_rtp_forward","room":7,"publisher_id":5,"stream_id":`) {
		t.Errorf("event handlers are told %s", told)
	}
	if left := loaded(); len(left) != 1 || left[0].ID != all[1].ID || !slices.Equal(*orders, []string{"stop"}) {
		t.Errorf("left %+v after %q", left, *orders)
	}
	s.send("bo", forward)
	s.send("al", `{"request":"configure"}`, "offer", "audio:opus video:none video:vp8")
	if left := loaded(); len(left) != 1 || left[0].Mid != "0" {
		t.Errorf("left %+v after a renegotiation", left)
	}
	s.send("al", `{"request":"unpublish"}`)
	if left := loaded(); len(left) != 0 {
		t.Errorf("left %+v after unpublish", left)
	}
}

func TestForwardersThatANodeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"network": {fault.Newf(fault.Unauthorized, "Forwarding to h is not allowed"), `433,"error":"Forwarding to h is not allowed"`},
		"name":    {fault.Newf(fault.BadElement, "Could not resolve address (h)..."), `430,"error":"Could not resolve address (h)..."`},
		"sockets": {fault.New(fault.TooBusy, nil), `499,"error":"Could not open UDP socket for RTP stream"`},
		"peer":    {fault.New(fault.NoSuchPeer, nil), `428,"error":"No such feed (5)"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(Config{})
			s.forwards(&c.err)
			published(s, "")
			s.send("bo", `{"request":"rtp_forward","room":7,"secret":"s","publisher_id":5,"host":"h","streams":[{"mid":"0","port":10}]}`)
			if last := s.log[len(s.log)-1]; !strings.Contains(last, `"error_code":`+c.code) {
				t.Errorf("said %s", last)
			}
		})
	}
}

func TestForwardingMayBeLocked(t *testing.T) {
	s, refusal := newSim(Config{AdminKey: plugin.Fixed("k"), LockForwards: true}), error(nil)
	s.forwards(&refusal)
	published(s, `,"admin_key":"k"`)
	for _, c := range []struct{ body, want string }{
		{"", `429,"error":"Missing mandatory element (admin_key)"`},
		{`,"admin_key":"x"`, `433,"error":"Unauthorized (wrong admin_key)"`},
		{`,"admin_key":"k"`, `428,"error":"No such stream (1)"`},
	} {
		s.send("bo", `{"request":"stop_rtp_forward","room":7,"secret":"s","publisher_id":5,"stream_id":1`+c.body+`}`)
		if last := s.log[len(s.log)-1]; !strings.Contains(last, `"error_code":`+c.want) {
			t.Errorf("said %s", last)
		}
	}
}
