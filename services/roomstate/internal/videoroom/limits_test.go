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
		`{"request":"create","room":1,"description":"` + long + `"}`, `{"request":"create","room":1,"rec_dir":"` + long + `"}`,
		`{"request":"create","room":1,"description":"` + long[1:] + `"}`, `{"request":"edit","room":1,"new_description":"` + long + `"}`,
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
