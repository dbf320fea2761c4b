package janus

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

const goodSDP = `v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n`

// refusal runs one message through all the checks of the edge and returns the first error.
func refusal(t *testing.T, message string) (*Request, *Error) {
	t.Helper()
	values, err := Split([]byte(message))
	if err != nil {
		return &Request{}, err
	}
	req, err := Parse(values[0])
	if err != nil || req.SessionID == 0 {
		return &req, err
	}
	_, err = req.Command()
	return &req, err
}

func TestChecksComeInJanusOrder(t *testing.T) {
	for _, c := range []struct {
		name, message string
		code          Code
		reason        string // empty: any
	}{
		{"not JSON", `{"janus":`, 454, ""},
		{"bare number", `42`, 454, ""},
		{"second value broken", `{"janus":"ping","transaction":"a"}{`, 454, ""},
		{"integer beyond 64 bits", `{"janus":"ping","transaction":"a","x":18446744073709551616}`, 454, ""},
		{"not UTF-8", "{\"janus\":\"\xff\"}", 454, ""},
		{"real beyond a double", `{"janus":"ping","transaction":"a","x":1e400}`, 454, ""},
		{"U+0000", `{"janus":"ping","transaction":"a\u0000"}`, 454, ""},
		{"half a surrogate pair", `{"janus":"ping","transaction":"a\ud83d"}`, 454, ""},
		{"the wrong half", `{"janus":"ping","transaction":"\ude00"}`, 454, ""},
		{"a whole pair", `{"janus":"ping","transaction":"\ud83d\ude00 \\u0000"}`, 0, ""},
		{"array", `[1]`, 456, "Missing mandatory element (transaction)"},
		{"no transaction", `{"janus":"ping"}`, 456, "Missing mandatory element (transaction)"},
		{"transaction no string", `{"janus":"ping","transaction":1}`, 467, "Invalid element type (transaction should be a string)"},
		{"no janus", `{"transaction":"a"}`, 456, "Missing mandatory element (janus)"},
		{"id null", `{"janus":"create","transaction":"a","id":null}`, 467, "Invalid element type (id should be a positive integer)"},
		{"id real", `{"janus":"ping","transaction":"a","id":1.0}`, 467, ""},
		{"session verb without session", `{"janus":"Attach","transaction":"a"}`, 457, "Unhandled request 'Attach' at this path"},
		{"session id is a string", `{"janus":"keepalive","transaction":"a","session_id":"7"}`, 457, ""},
		{"handle without session", `{"janus":"message","transaction":"a","handle_id":7}`, 458, "Session not found"},
		{"handle zero", `{"janus":"message","transaction":"a","session_id":7,"handle_id":0}`, 459, "Handle not found"},
		{"unknown", `{"janus":"Dance","transaction":"a","session_id":7}`, 453, "Unknown request 'Dance'"},
		{"create in a session", `{"janus":"create","transaction":"a","session_id":7}`, 453, ""},
		{"attach with a handle", `{"janus":"attach","transaction":"a","session_id":7,"handle_id":8,"plugin":"p"}`, 457, ""},
		{"message without handle", `{"janus":"message","transaction":"a","session_id":7}`, 457, ""},
		{"attach without plugin", `{"janus":"attach","transaction":"a","session_id":7}`, 456, "Missing mandatory element (plugin)"},
		{"attach opaque number", `{"janus":"attach","transaction":"a","session_id":7,"plugin":"p","opaque_id":1}`, 467, ""},
		{"message without body", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8}`, 456, "Missing mandatory element (body)"},
		{"body null", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":null}`, 467, "Invalid element type (body should be an object)"},
		{"jsep null", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":null}`, 455, "Invalid jsep object"},
		{"jsep without type", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":{}}`, 456, "JSEP error: missing mandatory element (type)"},
		{"jsep type number", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":{"type":1,"sdp":""}}`, 467, "JSEP error: invalid element type (type should be a string)"},
		{"pranswer", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":{"type":"pranswer","sdp":"v=0"}}`, 464, "JSEP error: unknown message type 'pranswer'"},
		{"no SDP", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":{"type":"offer","sdp":"hello"}}`, 465, "Invalid SDP (doesn't start with v=)"},
		{"SDP without media", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":{"type":"offer","sdp":"v=0\r\n"}}`, 465, "Missing mandatory lines (o=, s= or m=)"},
		{"m=text", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":{"type":"offer","sdp":"v=0\r\nm=text 9 x 1\r\n"}}`, 465, ""},
		{"trickle nothing", `{"janus":"trickle","transaction":"a","session_id":7,"handle_id":8}`, 456, "Missing mandatory element (candidate|candidates)"},
		{"trickle both", `{"janus":"trickle","transaction":"a","session_id":7,"handle_id":8,"candidate":null,"candidates":[]}`, 454, "Can't have both candidate and candidates"},
		{"trickle without mid", `{"janus":"trickle","transaction":"a","session_id":7,"handle_id":8,"candidate":{"candidate":""}}`, 456, ""},
		{"trickle mid null", `{"janus":"trickle","transaction":"a","session_id":7,"handle_id":8,"candidate":{"candidate":"","sdpMid":null,"sdpMLineIndex":0}}`, 467, ""},
		{"candidates no array", `{"janus":"trickle","transaction":"a","session_id":7,"handle_id":8,"candidates":{}}`, 467, "candidates is not an array"},
		{"good message", `{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":{"type":"Offer","sdp":"` + goodSDP + `"}}`, 0, ""},
		{"trailing newline", "{\"janus\":\"ping\",\"transaction\":\"\"}\n", 0, ""},
		{"case does not count", `{"janus":"PING","transaction":"a"}`, 0, ""},
		{"null session", `{"janus":"info","transaction":"a","session_id":null}`, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := refusal(t, c.message)
			switch {
			case err == nil && c.code != 0:
				t.Fatalf("accepted, want %d", c.code)
			case err != nil && (err.Code != c.code || c.reason != "" && err.Reason != c.reason):
				t.Fatalf("got %d %q", err.Code, err.Reason)
			}
		})
	}
}

func TestErrorsBeforeTheEnvelopeIsSoundHaveNoTransaction(t *testing.T) {
	req, err := refusal(t, `{"transaction":"a","session_id":7}`)
	if got, want := string(req.ErrorResponse(err)), `{"janus":"error","session_id":7,"error":{"code":456,"reason":"Missing mandatory element (janus)"}}`; got != want {
		t.Errorf("got %s", got)
	}
	req, err = refusal(t, `{"janus":"x","transaction":"","session_id":7}`)
	if got, want := string(req.ErrorResponse(err)), `{"janus":"error","session_id":7,"transaction":"","error":{"code":453,"reason":"Unknown request 'x'"}}`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestANegativeSessionIDComesBackAsItWas(t *testing.T) {
	req, _ := refusal(t, `{"janus":"keepalive","transaction":"a","session_id":-5}`)
	if got := string(req.ErrorResponse(newError(CodeSessionNotFound, ""))); !strings.Contains(got, `"session_id":-5,`) {
		t.Errorf("got %s", got)
	}
}

func TestSeveralObjectsInOneMessage(t *testing.T) {
	values, err := Split([]byte(`{"a":1}{"b":2} [3]` + "\n"))
	if err != nil || len(values) != 3 || string(values[2]) != "[3]" {
		t.Errorf("got %q, %v", values, err)
	}
}

func TestTrickleForms(t *testing.T) {
	const head = `{"janus":"trickle","transaction":"a","session_id":7,"handle_id":8,`
	for _, c := range []struct {
		name, message string
		candidates    int
		completed     bool
	}{
		{"one", `"candidate":{"candidate":"candidate:1","sdpMid":"0"}}`, 1, false},
		{"empty text", `"candidate":{"candidate":"","sdpMLineIndex":0}}`, 1, false},
		{"null", `"candidate":null}`, 0, true},
		{"a string", `"candidate":"x"}`, 0, true},
		{"completed false", `"candidate":{"completed":false}}`, 0, true},
		{"array", `"candidates":[{"candidate":"c","sdpMid":"0"},{"candidate":7},{"completed":true}]}`, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			values, _ := Split([]byte(head + c.message))
			req, _ := Parse(values[0])
			cmd, err := req.Command()
			if err != nil {
				t.Fatal(err)
			}
			got := cmd.GetTrickle()
			if len(got.GetCandidates()) != c.candidates || got.GetCompleted() != c.completed {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestUnsoundRequestBecomesATouch(t *testing.T) {
	values, _ := Split([]byte(`{"janus":"attach","transaction":"a","session_id":7}`))
	req, _ := Parse(values[0])
	cmd, err := req.Command()
	if err == nil || cmd.GetTouch() == nil || cmd.GetSessionId() != 7 {
		t.Errorf("got %v, %v", cmd, err)
	}
}

func TestEventsAsJanusWritesThem(t *testing.T) {
	two := uint32(2)
	for _, c := range []struct {
		want  string
		event *busv1.Event
	}{
		{
			`{"janus":"event","session_id":1,"transaction":"t","sender":2,"plugindata":{"plugin":"p","data":{"a":"</>"}},"jsep":{"type":"answer","sdp":"v=0\r\n"}}`,
			&busv1.Event{CommandId: "c", Transaction: "t", Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: "p", Data: []byte(`{"a":"</>"}`), Jsep: &busv1.Jsep{Type: "answer", Sdp: "v=0\r\n"}}}},
		},
		{`{"janus":"webrtcup","session_id":1,"sender":2}`, &busv1.Event{Kind: &busv1.Event_WebrtcUp{WebrtcUp: &busv1.WebrtcUp{}}}},
		{
			`{"janus":"media","session_id":1,"sender":2,"mid":"0","type":"video","substream":2,"receiving":false}`,
			&busv1.Event{Kind: &busv1.Event_Media{Media: &busv1.PeerEvent_MediaState{Mid: "0", Type: "video", Substream: &two}}},
		},
		{
			`{"janus":"slowlink","session_id":1,"sender":2,"mid":"0","media":"video","uplink":false,"lost":0}`,
			&busv1.Event{Kind: &busv1.Event_SlowLink{SlowLink: &busv1.PeerEvent_SlowLink{Mid: "0", Media: "video"}}},
		},
		{`{"janus":"hangup","session_id":1,"sender":2,"reason":"DTLS alert"}`, &busv1.Event{Kind: &busv1.Event_Hangup{Hangup: &busv1.HangUp{Reason: "DTLS alert"}}}},
		{
			`{"janus":"trickle","session_id":1,"sender":2,"candidate":{"candidate":"candidate:1 1 udp 5 192.0.2.1 9 typ host","sdpMid":"a","sdpMLineIndex":0}}`,
			&busv1.Event{Kind: &busv1.Event_Candidate{Candidate: &busv1.Candidate{Candidate: "candidate:1 1 udp 5 192.0.2.1 9 typ host", SdpMid: "a"}}},
		},
		{`{"janus":"detached","session_id":1,"sender":2}`, &busv1.Event{Kind: &busv1.Event_Detached{Detached: &busv1.Detached{}}}},
	} {
		c.event.SessionId, c.event.HandleId = 1, 2
		if diff := cmp.Diff(c.want, string(Event(c.event, nil, false))); diff != "" {
			t.Error(diff)
		}
	}
	if got := string(Event(&busv1.Event{SessionId: 1, Kind: &busv1.Event_TimedOut{TimedOut: &busv1.TimedOut{}}}, nil, false)); got != `{"janus":"timeout","session_id":1}` {
		t.Error(got)
	}
	if got := Event(&busv1.Event{SessionId: 1, Kind: &busv1.Event_Moved{Moved: &busv1.Moved{}}}, nil, true); got != nil {
		t.Errorf("an endpoint would be told %s", got)
	}
}

func TestPluginJSONThatIsNoneIsAnError(t *testing.T) {
	req := &Request{Name: "message", Transaction: "t", SessionID: 1, HandleID: 2}
	got := string(req.PluginAnswer(&busv1.PluginData{Plugin: "p", Data: []byte(`{`)}, false))
	if !strings.Contains(got, `"code":462`) || !json.Valid([]byte(got)) {
		t.Errorf("got %s", got)
	}
}

func TestEveryReasonHasACode(t *testing.T) {
	for _, r := range fault.Reasons() {
		if _, ok := codes[r]; !ok {
			t.Errorf("%s has none", r)
		}
		if e := FromFault(fault.New(r, nil)); e.Reason == "" {
			t.Errorf("%s has no words", r)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"janus":"message","transaction":"a","session_id":7,"handle_id":8,"body":{},"jsep":{"type":"offer","sdp":"` + goodSDP + `"}}`))
	f.Add([]byte(`{"janus":"trickle","transaction":"a","session_id":7,"handle_id":8,"candidates":[{"candidate":"","sdpMid":"0"},null]}`))
	f.Add([]byte(`{}[]{"janus":"create","transaction":"","id":-1}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		values, err := Split(message)
		if err != nil {
			return
		}
		for _, v := range values {
			req, err := Parse(v)
			if err == nil && req.SessionID != 0 {
				var cmd *busv1.Command
				cmd, err = req.Command()
				if cmd.GetVerb() == nil {
					t.Error("a command without a verb")
				}
			}
			if err != nil && !json.Valid(req.ErrorResponse(err)) {
				t.Errorf("%q is no JSON", req.ErrorResponse(err))
			}
		}
	})
}

func TestOpaqueIDsAreToldIfWanted(t *testing.T) {
	up := &busv1.Event{SessionId: 1, HandleId: 2, OpaqueId: "mine", Kind: &busv1.Event_WebrtcUp{WebrtcUp: &busv1.WebrtcUp{}}}
	r := &Request{SessionID: 1, HandleID: 2, Transaction: "t"}
	answer := &busv1.PluginData{Plugin: "p", Data: []byte(`{}`), OpaqueId: "mine"}
	for _, opaque := range []bool{true, false} {
		for _, got := range [][]byte{Event(up, nil, opaque), r.PluginAnswer(answer, opaque)} {
			if told := strings.Contains(string(got), `"opaque_id":"mine"`); told != opaque {
				t.Errorf("opaque %v: %s", opaque, got)
			}
		}
	}
}

func TestEventHandlersOfAnyProcessAreTold(t *testing.T) {
	for _, parts := range [][2]string{
		{`{"event_handlers":true,"events":{"a":{}},"name":"edge"}`, `{"event_handlers":false,"events":{"b":{}}}`},
		{`{"event_handlers":false,"events":{"a":{}},"name":"edge"}`, `{"event_handlers":true,"events":{"b":{}}}`},
	} {
		r := Request{Transaction: "t"}
		got, err := r.ServerInfo(json.RawMessage(parts[0]), json.RawMessage(parts[1]))
		want := `{"event_handlers":true,"events":{"a":{},"b":{}},"janus":"server_info","name":"edge","transaction":"t"}`
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v", got, err)
		}
	}
}
