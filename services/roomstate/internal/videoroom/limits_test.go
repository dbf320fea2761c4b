package videoroom

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestDescriptionsHaveABound(t *testing.T) {
	s := newSim(Config{})
	long := strings.Repeat("x", maxText+1)
	for _, body := range []string{
		`{"request":"create","room":1,"secret":"` + long + `"}`, `{"request":"create","room":1,"pin":"` + long + `"}`,
		`{"request":"create","room":1,"videocodec":"vp9","vp9_profile":"` + long + `"}`,
		`{"request":"create","room":1,"videocodec":"h264","h264_profile":"` + long + `"}`,
		`{"request":"create","room":1,"description":"` + long + `"}`, `{"request":"create","room":1,"rec_dir":"` + long + `"}`,
		`{"request":"create","room":1,"description":"` + long[1:] + `"}`, `{"request":"edit","room":1,"new_description":"` + long + `"}`,
		`{"request":"edit","room":1,"new_secret":"` + long + `"}`, `{"request":"edit","room":1,"new_pin":"` + long + `"}`,
	} {
		s.log = nil
		s.send("al", body)
		refused := strings.Contains(strings.Join(s.log, " "), `"error_code":430`)
		if want := strings.Contains(body, long); refused != want {
			t.Errorf("%.60s: %.200q", body, s.log)
		}
	}
}

// TestListFitsIntoAMessage: what there is no room for is counted.
func TestListFitsIntoAMessage(t *testing.T) {
	s := newSim(Config{})
	entry := `,"description":"` + strings.Repeat("x", 4000) + `"}`
	const rooms = 300
	for i := range rooms {
		s.index[fmt.Sprint(i)] = []byte(fmt.Sprintf(`{"room":%d`, i) + entry)
	}
	s.log = nil
	s.send("al", `{"request":"list"}`)
	said := strings.Join(s.log, "")
	var list struct {
		List    []any `json:"list"`
		LeftOut int   `json:"left_out"`
	}
	if err := json.Unmarshal([]byte(said[strings.Index(said, "{"):]), &list); err != nil {
		t.Fatal(err)
	}
	if len(said) > maxList+1000 || list.LeftOut == 0 || len(list.List)+list.LeftOut != rooms {
		t.Errorf("%d bytes, %d rooms and %d left out", len(said), len(list.List), list.LeftOut)
	}
}

// TestWhatParticipantsSayOfThemselvesHasABound: of one, whatever it is said in, and of all in a room.
func TestWhatParticipantsSayOfThemselvesHasABound(t *testing.T) {
	s := newSim(Config{})
	half := strings.Repeat("x", maxPersonal/2)
	refused := func(who, body string) bool {
		s.log = nil
		s.send(who, body)
		said := strings.Join(s.log, " ")
		return strings.Contains(said, `"error_code":430`) || strings.Contains(said, `"error_code":499`)
	}
	s.send("al", `{"request":"create","room":7,"publishers":300}`)
	if refused("al", `{"request":"join","ptype":"publisher","room":7,"id":5,"display":"`+half+`"}`) {
		t.Fatalf("said %.200q", s.log)
	}
	s.send("al", `{"request":"publish"}`, "offer", "audio:opus video:vp8")
	s.up("al")
	for _, body := range []string{
		`{"request":"configure","metadata":{"a":"` + half + `"}}`, `{"request":"configure","filename":"` + half + `x"}`,
		`{"request":"configure","descriptions":[{"mid":"0","description":"` + half + `x"}]}`,
		`{"request":"configure","display":"` + half + half + `x"}`,
	} {
		if !refused("al", body) {
			t.Errorf("taken: %.60s", body)
		}
	}
	for _, body := range []string{`{"request":"configure","display":"` + half + half + `"}`, `{"request":"configure","display":"short","metadata":{"a":"b"}}`} {
		if refused("al", body) {
			t.Errorf("refused: %.60s", body)
		}
	}
	taken := 0
	for !refused(fmt.Sprint("p", taken), `{"request":"join","ptype":"publisher","room":7,"display":"`+half+half+`"}`) {
		if taken++; taken > 200 {
			t.Fatal("there is no bound")
		}
	}
	if want := maxPersonalAll / maxPersonal; taken != want {
		t.Errorf("%d taken, want %d", taken, want)
	}
}
