package roomstate_test

import (
	"encoding/json"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// admin asks what administrators may, about a session or none.
func (e *edge) admin(session uint64, request, parameters string) (map[string]any, error) {
	e.t.Helper()
	reply, err := e.do(&busv1.Command{SessionId: session, Verb: &busv1.Command_Admin{
		Admin: &busv1.Admin{Request: request, Parameters: []byte(parameters)},
	}})
	if err != nil {
		return nil, err
	}
	var got map[string]any
	if err := json.Unmarshal(reply.GetPlugin().GetData(), &got); err != nil {
		e.t.Fatal(err)
	}
	return got, nil
}

// wants fails the test unless the answer is exactly this JSON.
func (e *edge) wants(session uint64, request, parameters, want string) {
	e.t.Helper()
	got, err := e.admin(session, request, parameters)
	if err != nil {
		e.t.Fatalf("%s %s: %v", request, parameters, err)
	}
	text, err := json.Marshal(got)
	if err != nil {
		e.t.Fatal(err)
	}
	if string(text) != want {
		e.t.Errorf("%s %s: got %s, want %s", request, parameters, text, want)
	}
}

func (e *edge) refuses(session uint64, request, parameters string, reason fault.Reason, text string) {
	e.t.Helper()
	if _, err := e.admin(session, request, parameters); fault.Of(err) != reason || fault.Text(err) != text {
		e.t.Errorf("%s %s: got %v", request, parameters, err)
	}
}

func TestTokensAreKnownToAllReplicas(t *testing.T) {
	e := startCluster(t, 2).edge()
	const echo = `"janus.plugin.echotest"`
	e.wants(0, "add_token", `{"token":"a","plugins":["janus.plugin.echotest","none",5]}`, `{"data":{"plugins":[`+echo+`]}}`)
	e.wants(0, "add_token", `{"token":"b"}`, `{"data":{"plugins":[`+echo+`,"janus.plugin.videoroom"]}}`)
	e.wants(0, "allow_token", `{"token":"a","plugins":["janus.plugin.videoroom"]}`, `{"data":{"plugins":[`+echo+`,"janus.plugin.videoroom"]}}`)
	e.wants(0, "disallow_token", `{"token":"b","plugins":["janus.plugin.videoroom"]}`, `{"data":{"plugins":[`+echo+`]}}`)
	e.wants(0, "disallow_token", `{"token":"b","plugins":["janus.plugin.echotest"]}`, `{"data":{"plugins":[]}}`)
	e.wants(0, "token", `{"token":"b"}`, `{"allowed_plugins":[]}`)
	e.wants(0, "list_tokens", `{}`, `{"data":{"tokens":[{"allowed_plugins":[`+echo+`,"janus.plugin.videoroom"],"token":"a"}]}}`)
	e.wants(0, "remove_token", `{"token":"a"}`, `{}`)
	e.refuses(0, "remove_token", `{"token":"a"}`, fault.BadRequest, "Error removing token")
	e.refuses(0, "allow_token", `{"token":"a","plugins":["janus.plugin.videoroom"]}`, fault.TokenNotFound, "Token a not found")
	e.refuses(0, "allow_token", `{"token":"b","plugins":["none"]}`, fault.BadElement, "Invalid element type (some of the provided plugins are invalid)")
	e.refuses(0, "token", `{"token":"a"}`, fault.TokenNotFound, "Token a not found")
}

func TestATokenRestrictsWhatCanBeAttachedTo(t *testing.T) {
	s := startCluster(t, 1).edge().session()
	cmd := s.command()
	attach := &busv1.Attach{NewHandleId: 1, Plugin: videoRoom, Token: "t", Restricted: true, AllowedPlugins: []string{"janus.plugin.echotest"}}
	cmd.Verb = &busv1.Command_Attach{Attach: attach}
	if _, err := s.do(cmd); fault.Of(err) != fault.PluginForbidden || fault.Text(err) != "Provided token can't access plugin '"+videoRoom+"'" {
		t.Errorf("got %v", err)
	}
	cmd = s.command()
	attach.AllowedPlugins = append(attach.AllowedPlugins, videoRoom)
	cmd.Verb = &busv1.Command_Attach{Attach: attach}
	s.must(cmd)
}

func TestNewSessionsCanBeRefused(t *testing.T) {
	e := startCluster(t, 2).edge()
	e.wants(0, "accept_new_sessions", `{"accept":false}`, `{"accept":false}`)
	create := func() error {
		_, err := e.do(&busv1.Command{SessionId: randomID(), Verb: &busv1.Command_Create{Create: &busv1.Create{}}})
		return err
	}
	if err := create(); fault.Of(err) != fault.NotAccepting {
		t.Errorf("got %v", err)
	}
	e.wants(0, "accept_new_sessions", `{"accept":true}`, `{"accept":true}`)
	if err := create(); err != nil {
		t.Error(err)
	}
}

func TestSessionsHaveTimeoutsOfTheirOwn(t *testing.T) {
	e := startCluster(t, 2).edge()
	own, all, never := e.session(), e.session(), e.session()
	e.wants(own.id, "set_session_timeout", `{"timeout":1}`, `{"timeout":1}`)
	own.wait(func(e *busv1.Event) bool { return e.GetTimedOut() != nil })
	e.refuses(own.id, "set_session_timeout", `{"timeout":1}`, fault.SessionNotFound, "No such session "+jsonText(own.id))
	e.wants(never.id, "set_session_timeout", `{"timeout":0}`, `{"timeout":0}`)
	e.wants(0, "set_session_timeout", `{"timeout":1}`, `{"timeout":1}`)
	all.wait(func(e *busv1.Event) bool { return e.GetTimedOut() != nil })
	e.wants(0, "list_sessions", `{}`, `{"sessions":[`+jsonText(float64(never.id))+`]}`)
	e.wants(never.id, "set_session_timeout", `{"timeout":-1}`, `{"timeout":-1}`)
	never.wait(func(e *busv1.Event) bool { return e.GetTimedOut() != nil })
}

// jsonText is how a number comes back from JSON.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestAdministratorsTalkToPlugins(t *testing.T) {
	e := startCluster(t, 2).edge()
	for range 2 { // the room's owner answers, whichever replica it is
		got, err := e.admin(0, "message_plugin", `{"plugin":"janus.plugin.videoroom","request":{"request":"exists","room":77}}`)
		if err != nil || got["exists"] != false {
			t.Errorf("got %v, %v", got, err)
		}
	}
	e.refuses(0, "message_plugin", `{"plugin":"none","request":{}}`, fault.PluginNotFound, "Invalid plugin")
	e.refuses(0, "message_plugin", `{"plugin":"janus.plugin.echotest","request":{}}`, fault.BadRequest, "Plugin doesn't support Admin API messages")
}
