package roomstate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
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
	e.wants(0, "add_token", `{"token":"b"}`, `{"data":{"plugins":[`+echo+`,"janus.plugin.textroom","janus.plugin.videocall","janus.plugin.videoroom"]}}`)
	e.wants(0, "allow_token", `{"token":"a","plugins":["janus.plugin.videoroom"]}`, `{"data":{"plugins":[`+echo+`,"janus.plugin.videoroom"]}}`)
	e.wants(0, "disallow_token", `{"token":"b","plugins":["janus.plugin.videoroom","janus.plugin.videocall","janus.plugin.textroom"]}`, `{"data":{"plugins":[`+echo+`]}}`)
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
	e.wants(0, "message_plugin", `{"plugin":"janus.plugin.echotest","request":{}}`, `{}`)
}

func TestHandleInfoTellsWhatTheNodeSays(t *testing.T) {
	c := startCluster(t, 2)
	node := startNode(t, c.conn, "node-1")
	s := c.edge().session()
	h := s.attach("janus.plugin.echotest")
	s.refuses(s.id, "handle_info", `{}`, fault.HandleNotFound, "No such handle 0 in session "+fmt.Sprint(s.id))
	info := func(parameters string) map[string]any {
		t.Helper()
		cmd := &busv1.Command{SessionId: s.id, HandleId: h.id, Verb: &busv1.Command_Admin{
			Admin: &busv1.Admin{Request: "handle_info", Parameters: []byte(parameters)},
		}}
		var got struct {
			Info map[string]any `json:"info"`
		}
		if err := json.Unmarshal(s.must(cmd).GetPlugin().GetData(), &got); err != nil {
			t.Fatal(err)
		}
		return got.Info
	}
	if got := info(`{}`); got["webrtc"] != nil || got["plugin"] != "janus.plugin.echotest" || got["flags"].(map[string]any)["ready"] != false {
		t.Errorf("without a peer: %v", got)
	}
	without := info(`{}`)
	specific, _ := without["plugin_specific"].(map[string]any)
	for _, c := range []struct {
		name, want string
		got        any
	}{
		{"sdps", `{}`, without["sdps"]}, {"queued-packets", `0`, without["queued-packets"]},
		{"peer-bitrate", `0`, specific["peer-bitrate"]}, {"slowlink_count", `0`, specific["slowlink_count"]},
	} {
		if got := jsonText(c.got); got != c.want {
			t.Errorf("without a peer %s is %s, want %s", c.name, got, c.want)
		}
	}
	h.send(`{"audio":true}`, "offer", "audio:opus")
	node.mu.Lock()
	node.described = &mediav1.DescribePeerResponse{
		RembBps:  345_000,
		Peer:     &mediav1.PeerID{SessionId: s.id, HandleId: h.id, Generation: 1},
		LocalSdp: "m=audio\r\na=extmap:3 urn:x\r\n", RemoteSdp: "a=setup:actpass\r\na=fingerprint:sha-256 AA:BB\r\n",
		Started: true, Up: true, SelectedAddress: "192.0.2.1:9", LocalCandidates: []string{"1 1 udp 5 192.0.2.7 10000 typ host"},
		Sections: []*mediav1.DescribePeerResponse_Section{{
			Mid: "a", Kind: mediav1.Kind_KIND_AUDIO, Codec: "opus",
			Inbound:  []*mediav1.DescribePeerResponse_Layer{{Ssrc: 5, Packets: 7, Bytes: 70}},
			Outbound: &mediav1.DescribePeerResponse_Outbound{Ssrc: 6, Packets: 8, Bytes: 80},
		}},
	}
	node.mu.Unlock()
	text := jsonText(info(`{}`)["webrtc"])
	for _, want := range []string{
		`"selected-pair":"192.0.2.7:10000 [host,udp] \u003c-\u003e 192.0.2.1:9 [prflx,udp]"`, `"remote-fingerprint":"AA:BB"`, `"urn:x":3`,
		`"stats":{"in":{"bytes":70,"packets":7},"out":{"bytes":80,"packets":8}}`, `"ssrc":{"ssrc":6,"ssrc-peer":5}`, `"dtls-state":"connected"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	node.say(&mediav1.PeerID{SessionId: s.id, HandleId: h.id, Generation: 1}, &busv1.PeerEvent{
		Kind: &busv1.PeerEvent_SlowLink_{SlowLink: &busv1.PeerEvent_SlowLink{Media: "video", BitrateBps: 5}},
	})
	var got map[string]any
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got = info(`{"plugin_only":true}`)
		if specific := got["plugin_specific"].(map[string]any); fmt.Sprint(specific["slowlink_count"], specific["peer-bitrate"]) == "1 345000" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("slow links and REMB are not told: %v", got)
		}
	}
	if got["webrtc"] != nil || got["flags"] != nil {
		t.Errorf("plugin_only: %v", got)
	}
}

func TestWhatIsSetIsToldToNodesThoseThatComeLaterToo(t *testing.T) {
	c := startCluster(t, 2)
	e := c.edge()
	heard := make(chan *busv1.MediaSettings, 100)
	stop, err := bus.FollowMediaSettings(c.conn, func(m *busv1.MediaSettings) { heard <- m })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	next := func() *busv1.MediaSettings {
		t.Helper()
		select {
		case m := <-heard:
			return m
		case <-time.After(30 * time.Second):
			t.Fatal("nodes are told nothing")
			return nil
		}
	}
	e.wants(0, "set_no_media_timer", `{"no_media_timer":5}`, `{"no_media_timer":5}`)
	if m := next(); m.GetNoMediaTimerS() != 5 || m.SlowLinkThreshold != nil {
		t.Errorf("nodes are told %v", m)
	}
	e.wants(0, "set_slowlink_threshold", `{"slowlink_threshold":9000000000}`, `{"slowlink_threshold":4294967295}`)
	next()
	startNode(t, c.conn, "late")
	if m := next(); m.GetNoMediaTimerS() != 5 || m.GetSlowLinkThreshold() != 1<<32-1 {
		t.Errorf("a node that comes later is told %v", m)
	}
	if _, err := e.admin(0, "reset_media_settings", `{}`); err != nil {
		t.Error(err)
	}
	for m := next(); m.NoMediaTimerS != nil || m.SlowLinkThreshold != nil; {
		m = next() // each replica has told the late node
	}
	e.wants(0, "set_no_media_timer", `{"no_media_timer":5}`, `{"no_media_timer":5}`)
	e.wants(0, "set_log_colors", `{"colors":true}`, `{"log_colors":true}`)
	got, err := e.admin(0, "get_status", `{}`)
	status, _ := got["status"].(map[string]any)
	if err != nil || status["no_media_timer"] != 5.0 || status["log_colors"] != true || status["locking_debug"] != false || status["log_rotate_sig"] != 0.0 {
		t.Errorf("status %v, %v", status, err)
	}
}

func TestSTUNIsTestedByANode(t *testing.T) {
	c := startCluster(t, 1)
	e := c.edge()
	e.refuses(0, "test_stun", `{"address":"a","port":70000}`, fault.BadRequest, "STUN request failed")
	e.refuses(0, "test_stun", `{"address":"a","port":1}`, fault.BadRequest, "STUN request failed") // no node
	startNode(t, c.conn, "one")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got, err := e.admin(0, "test_stun", `{"address":"a","port":1,"localport":2}`)
		if err == nil {
			if got["public_ip"] != "a" || got["public_port"] != 2.0 {
				t.Errorf("got %v", got)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
