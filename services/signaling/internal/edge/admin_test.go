package edge

import (
	"context"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/reread"
)

// adminBus answers every Admin with what it was asked.
func adminBus() *fakeBus {
	return &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		a := cmd.GetAdmin()
		switch {
		case cmd.GetSessionId() == 404:
			return nil, fault.Newf(fault.SessionNotFound, "No such session 404")
		case a == nil:
			return done, nil
		case a.GetRequest() == "get_status":
			return data(`{"status":{"session_timeout":60}}`), nil
		}
		return data(`{"got":` + string(a.GetParameters()) + `,"big":9007199254740991}`), nil
	}}
}

func data(text string) *busv1.Reply {
	return &busv1.Reply{Outcome: &busv1.Reply_Plugin{Plugin: &busv1.PluginData{Data: []byte(text)}}}
}

func TestAdminAnswers(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"janus":"ping","transaction":"a"}`, `{"janus":"pong","transaction":"a"}`},
		{`{"janus":"info","transaction":"a"}`, `"name":"Cardea"`},
		{`{"janus":"list_sessions","transaction":"a"}`, `"code":403`},
		{`{"janus":"list_sessions","transaction":"a","admin_secret":"sX"}`, `"code":403`},
		{`{"janus":"list_handles","transaction":"a","session_id":404}`, `"code":403`}, // nothing is told before the secret is
		{`{"janus":"list_sessions","transaction":"a","admin_secret":"s","more":1}`, `{"big":9007199254740991,"got":{},"janus":"success","transaction":"a"}`},
		{`{"janus":"set_session_timeout","transaction":"a","admin_secret":"s","timeout":5}`, `"got":{"timeout":5}`},
		{`{"janus":"get_status","transaction":"a","admin_secret":"s"}`, `"status":{"session_timeout":60,"token_auth":false}`},
		{`{"janus":"message_plugin","transaction":"a","admin_secret":"s","plugin":"p","request":{}}`, `"response":{`},
		{`{"janus":"list_tokens","transaction":"a","admin_secret":"s"}`, `"code":490,"reason":"Stored-Token based authentication disabled"`},
		{`{"janus":"destroy_session","transaction":"a","admin_secret":"s","session_id":7}`, `{"janus":"success","session_id":7,"transaction":"a"}`},
		{`{"janus":"dance","transaction":"a","admin_secret":"s","session_id":404}`, `"code":458`},
		{`{"janus":"dance","transaction":"a","admin_secret":"s","session_id":7}`, `"code":457`},
		{`{"janus":"x","transaction":"a","handle_id":7}`, `"code":458`},
		{`nojson`, `"code":454`},
	} {
		a := &Admin{Edge: start(t, adminBus()), Secret: reread.Fixed("s")}
		if got := string(a.Ask(context.Background(), "test", []byte(c.body), 0, 0)); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %s in it", c.body, got, c.want)
		}
	}
}

func TestPagesOfAListAreGathered(t *testing.T) {
	bus := &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		switch parameters := string(cmd.GetAdmin().GetParameters()); parameters {
		case `{"after":5,"details":true}`:
			return data(`{"sessions":[6]}`), nil
		case `{"details":true}`:
			return data(`{"sessions":[5],"next":5}`), nil
		case `{}`:
			return data(`{"data":{"tokens":[1,9007199254740991]},"next":9007199254740991}`), nil
		case `{"after":9007199254740991}`:
			return data(`{"data":{"tokens":[3]},"next":"x"}`), nil
		case `{"after":"x"}`:
			return data(`{"data":{"tokens":[4]}}`), nil
		default:
			return nil, fault.Newf(fault.BadRequest, "asked for %s", parameters)
		}
	}}
	a := &Admin{Edge: start(t, bus)}
	const want = `{"data":{"tokens":[1,9007199254740991,3,4]},"janus":"success","transaction":"a"}`
	if got := string(a.Ask(context.Background(), "test", []byte(`{"janus":"list_sessions","transaction":"a"}`), 0, 0)); got != want {
		t.Errorf("got %s", got)
	}
	const detailed = `{"janus":"success","sessions":[5,6],"transaction":"a"}`
	if got := string(a.Ask(context.Background(), "test", []byte(`{"janus":"list_sessions","details":true,"transaction":"a"}`), 0, 0)); got != detailed {
		t.Errorf("what else is asked for is not asked of the next page: got %s", got)
	}
}

func TestQueries(t *testing.T) {
	e := start(t, adminBus())
	var tweaked []string
	a := &Admin{Edge: e, Handlers: []string{"h"}, Tweak: func(kinds string) error { tweaked = append(tweaked, kinds); return nil }}
	open(e, "one")
	for _, c := range []struct{ request, parameters, want string }{
		{"query_transport", `"transport":"janus.transport.websockets","request":{"request":"connections"}`, `"response":{"connections":1,"result":200}`},
		{"query_transport", `"transport":"janus.transport.http","request":{"request":"connections"}`, `"response":{"connections":{"http":0},"messages":0,"result":200}`},
		{"query_transport", `"transport":"x","request":{}`, `"code":460,"reason":"Invalid transport"`},
		{"query_transport", `"transport":"janus.transport.http","request":{"request":"configure","json":"plain"}`, `"notes":["JSON is always compact here"]`},
		{"query_transport", `"transport":"janus.transport.http","request":{"request":"configure","events":1}`, `"error_code":413`},
		{"query_transport", `"transport":"janus.transport.http","request":{"request":"configure","events":false}`, `"result":200`},
		{"query_eventhandler", `"handler":"h","request":{"request":"tweak","events":"core,media"}`, `"response":{"result":200}`},
		{"query_eventhandler", `"handler":"elsewhere","request":{"request":"tweak"}`, `"response":{"result":200}`},
		{"query_eventhandler", `"handler":"i","request":{}`, `"code":460,"reason":"Invalid event handler"`},
		{"query_logger", `"logger":"l","request":{}`, `"code":460,"reason":"Invalid logger"`},
		{"custom_logline", `"line":"x","level":0`, `"janus":"success"`},
		{"custom_logline", `"line":"x","level":8`, `"janus":"success"`},
		{"custom_logline", `"line":"x","level":-1`, `"code":467,"reason":"Invalid element type (level should be a positive integer)"`},
		{"set_log_level", `"level":8`, `"code":467,"reason":"Invalid element type (level should be between 0 and 7)"`},
		{"custom_event", `"schema":"s","data":{}`, `"janus":"success"`},
		{"test_stun", `"address":"a"`, `"code":456,"reason":"Missing mandatory element (port)"`},
	} {
		body := `{"janus":"` + c.request + `","transaction":"a",` + c.parameters + `}`
		if got := string(a.Ask(context.Background(), "test", []byte(body), 0, 0)); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %s in it", body, got, c.want)
		}
	}
	if len(tweaked) != 1 || tweaked[0] != "core,media" {
		t.Errorf("tweaked %q", tweaked)
	}
	if e.isQuiet(overWebSocket) || !e.isQuiet(overHTTP) {
		t.Error("the wrong transport is quiet")
	}
}

func TestAdminOverASocket(t *testing.T) {
	a := &Admin{Edge: start(t, adminBus())}
	socket := &fakeSocket{id: "a", sent: make(chan string, 10)}
	client := a.Open(socket)
	client.Receive([]byte(`{"janus":"ping","transaction":"a"}`))
	socket.want(t, `"pong"`)
	client.Receive([]byte(`{"janus":"list_sessions","transaction":"b"}`))
	socket.want(t, `"success"`, `"transaction":"b"`)
	client.Close()
}

// An edge passes over the end of a session that one of its own commands brought about; an administrator's is none.
func TestAdminEndsASessionOfThisEdge(t *testing.T) {
	var e *Edge
	bus := adminBus()
	answer := bus.do
	bus.do = func(cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error) {
		if cmd.GetDestroy() != nil {
			e.Hear(&busv1.Event{SessionId: 7, Number: 1, CommandId: cmd.GetId(), Kind: &busv1.Event_Ended{Ended: &busv1.Ended{}}})
		}
		return answer(cmd, accepted)
	}
	e = start(t, bus)
	client, socket := open(e, "a")
	create(t, client, socket)
	s := e.session(7)
	(&Admin{Edge: e}).Ask(context.Background(), "test", []byte(`{"janus":"destroy_session","transaction":"a"}`), 7, 0)
	s.run(func() {})
	if e.session(7) != nil {
		t.Error("the edge still has it")
	}
}
