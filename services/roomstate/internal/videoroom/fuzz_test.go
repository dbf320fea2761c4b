package videoroom

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever a body holds, it is answered once, in JSON that names the plugin's outcome or error.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{}`, `[]`, `{"request":"join","room":1,"ptype":"publisher","id":0,"display":"x","metadata":{}}`,
		`{"request":"create","room":2,"allowed":["a"],"publishers":99999999999}`,
		`{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":1,"mid":"0","substream":2}]}`,
		`{"request":"update","subscribe":[{"feed":1}],"unsubscribe":[{"sub_mid":"0"}]}`,
		`{"request":"configure","streams":[{"mid":"0","send":false,"min_delay":-5,"max_delay":70000}],"bitrate":4294967296}`,
		`{"request":"switch","streams":[{"feed":1,"mid":"1","sub_mid":"0","temporal":7}]}`, `{"request":"switch","feed":1}`,
		`{"request":"moderate","room":1,"id":1,"mid":"0","mute":true}`, `{"request":"kick","room":1,"id":1}`,
		`{"request":"list"}`, `{"request":"destroy","room":1}`, `{"request":"exists","room":1e3}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := newSim(Config{})
		s.send("al", `{"request":"create","room":1}`)
		s.send("al", `{"request":"join","room":1,"ptype":"publisher","id":1}`)
		s.send("al", `{"request":"publish"}`, "offer", "audio:opus video:vp8 data")
		s.up("al")
		s.send("su", `{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":1}]}`)
		for _, who := range []string{"new", "su", "al"} {
			s.log = nil
			s.send(who, body)
			answers := 0
			for _, line := range s.log {
				rest, ok := strings.CutPrefix(line, who+" = ")
				if !ok {
					rest, ok = strings.CutPrefix(line, who+" <- ")
				}
				if !ok {
					continue
				}
				rest, _, _ = strings.Cut(rest, "} + ")
				if !strings.HasSuffix(rest, "}") {
					rest += "}"
				}
				var answer struct {
					VideoRoom string `json:"videoroom"`
				}
				if err := json.Unmarshal([]byte(rest), &answer); err != nil || answer.VideoRoom == "" {
					t.Errorf("%s: %v", line, err)
				}
				if answer.VideoRoom != "updated" { // a switch may have one before its answer
					answers++
				}
			}
			if answers > 1 || len(s.log) == 0 {
				t.Errorf("%d answers: %q", answers, s.log)
			}
			s.check(t)
		}
	})
}
