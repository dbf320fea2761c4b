//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
	"github.com/cardea-rtc/cardea/e2e/internal/talk"
)

// post sends a request over HTTP and returns the answer.
func post(t *testing.T, url, body string) map[string]any {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber()
	var answer map[string]any
	if err := dec.Decode(&answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return answer
}

// administer is post with what an administrator's requests have.
func administer(t *testing.T, url, request, more string) map[string]any {
	t.Helper()
	return post(t, url, fmt.Sprintf(`{"janus":%q,"transaction":"a","admin_secret":%q%s}`, request, cluster.AdminSecret, more))
}

// TestSameAdminAsJanus sends the same requests of the Admin API to both, about a session with a handle.
func TestSameAdminAsJanus(t *testing.T) {
	t.Parallel()
	dirs := []string{t.TempDir(), t.TempDir()}
	oracle, cardea := cluster.StartWholeJanus(t), cluster.StartStandalone(t, "--pcap-dir", dirs[1])
	type side struct{ api, admin, handle, dir string }
	sides := []*side{{api: oracle.HTTP, admin: oracle.Admin, dir: dirs[0]}, {api: cardea.HTTP, admin: cardea.Admin, dir: dirs[1]}}
	for _, s := range sides {
		post(t, s.api, `{"janus":"create","transaction":"a","id":77}`)
		attached := post(t, s.api+"/77", `{"janus":"attach","transaction":"a","plugin":"janus.plugin.videoroom","opaque_id":"me"}`)
		s.handle = fmt.Sprint(attached["data"].(map[string]any)["id"])
	}
	with := func(request, more string) string {
		return fmt.Sprintf(`{"janus":%q,"transaction":"a","admin_secret":%q%s}`, request, cluster.AdminSecret, more)
	}
	for _, step := range []struct{ path, body string }{
		{"", `{"janus":"ping","transaction":"a"}`},
		{"", `{"janus":"list_sessions","transaction":"a"}`},
		{"", `{"janus":"list_sessions","transaction":"a","admin_secret":"wrong"}`},
		{"", `{"janus":"list_sessions","transaction":"a","admin_secret":5}`},
		{"", `{"janus":"list_sessions"}`},
		{"", `{"transaction":"a"}`},
		{"", `{"janus":5,"transaction":"a"}`},
		{"", `nojson`},
		{"", with("list_sessions", "")},
		{"", with("LIST_SESSIONS", "")},
		{"", with("dance", "")},
		{"", with("handle_info", "")},
		{"", with("loops_info", "")},
		{"", with("set_session_timeout", "")},
		{"", with("set_session_timeout", `,"timeout":-1`)},
		{"", with("set_session_timeout", `,"timeout":"1"`)},
		{"", with("set_session_timeout", `,"timeout":100`)},
		{"", with("set_log_level", `,"level":4`)},
		{"", with("set_log_level", `,"level":"4"`)},
		{"", with("set_log_level", `,"level":8`)},
		{"", with("set_log_level", `,"level":-1`)},
		{"", with("set_locking_debug", "")},
		{"", with("set_locking_debug", `,"debug":1`)},
		{"", with("set_locking_debug", `,"debug":"x"`)},
		{"", with("set_locking_debug", `,"debug":null`)},
		{"", with("set_locking_debug", `,"debug":true`)},
		{"", with("set_locking_debug", `,"debug":false`)},
		{"", with("set_refcount_debug", "")},
		{"", with("set_refcount_debug", `,"debug":1`)},
		{"", with("set_refcount_debug", `,"debug":"x"`)},
		{"", with("set_refcount_debug", `,"debug":null`)},
		{"", with("set_refcount_debug", `,"debug":true`)},
		{"", with("set_refcount_debug", `,"debug":false`)},
		{"", with("set_log_timestamps", "")},
		{"", with("set_log_timestamps", `,"timestamps":1`)},
		{"", with("set_log_timestamps", `,"timestamps":"x"`)},
		{"", with("set_log_timestamps", `,"timestamps":null`)},
		{"", with("set_log_timestamps", `,"timestamps":true`)},
		{"", with("set_log_timestamps", `,"timestamps":false`)},
		{"", with("set_log_colors", "")},
		{"", with("set_log_colors", `,"colors":1`)},
		{"", with("set_log_colors", `,"colors":"x"`)},
		{"", with("set_log_colors", `,"colors":null`)},
		{"", with("set_log_colors", `,"colors":true`)},
		{"", with("set_log_colors", `,"colors":false`)},
		{"", with("set_nack_optimizations", "")},
		{"", with("set_nack_optimizations", `,"nack_optimizations":1`)},
		{"", with("set_nack_optimizations", `,"nack_optimizations":"x"`)},
		{"", with("set_nack_optimizations", `,"nack_optimizations":null`)},
		{"", with("set_nack_optimizations", `,"nack_optimizations":true`)},
		{"", with("set_nack_optimizations", `,"nack_optimizations":false`)},
		{"", with("set_min_nack_queue", "")},
		{"", with("set_min_nack_queue", `,"min_nack_queue":-1`)},
		{"", with("set_min_nack_queue", `,"min_nack_queue":"1"`)},
		{"", with("set_min_nack_queue", `,"min_nack_queue":1.5`)},
		{"", with("set_min_nack_queue", `,"min_nack_queue":true`)},
		{"", with("set_min_nack_queue", `,"min_nack_queue":0`)},
		{"", with("set_min_nack_queue", `,"min_nack_queue":500`)},
		{"", with("set_min_nack_queue", `,"min_nack_queue":2000`)},
		{"", with("set_min_nack_queue", `,"min_nack_queue":5000000000`)},
		{"", with("set_min_nack_queue", `,"min_nack_queue":1`)},
		{"", with("set_no_media_timer", "")},
		{"", with("set_no_media_timer", `,"no_media_timer":-1`)},
		{"", with("set_no_media_timer", `,"no_media_timer":"1"`)},
		{"", with("set_no_media_timer", `,"no_media_timer":1.5`)},
		{"", with("set_no_media_timer", `,"no_media_timer":true`)},
		{"", with("set_no_media_timer", `,"no_media_timer":0`)},
		{"", with("set_no_media_timer", `,"no_media_timer":500`)},
		{"", with("set_no_media_timer", `,"no_media_timer":2000`)},
		{"", with("set_no_media_timer", `,"no_media_timer":1`)},
		{"", with("set_slowlink_threshold", "")},
		{"", with("set_slowlink_threshold", `,"slowlink_threshold":-1`)},
		{"", with("set_slowlink_threshold", `,"slowlink_threshold":"1"`)},
		{"", with("set_slowlink_threshold", `,"slowlink_threshold":1.5`)},
		{"", with("set_slowlink_threshold", `,"slowlink_threshold":true`)},
		{"", with("set_slowlink_threshold", `,"slowlink_threshold":0`)},
		{"", with("set_slowlink_threshold", `,"slowlink_threshold":500`)},
		{"", with("set_slowlink_threshold", `,"slowlink_threshold":2000`)},
		{"", with("set_slowlink_threshold", `,"slowlink_threshold":1`)},
		{"", with("query_transport", ``)},
		{"", with("query_transport", `,"plugin":"x"`)},
		{"", with("query_transport", `,"transport":5,"request":{}`)},
		{"", with("query_transport", `,"transport":"none","request":{}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":5`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":5}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":"dance"}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":"connections"}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":"configure"}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":"configure","events":5}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":"configure","json":5}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":"configure","logging":5}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":"configure","events":false}`)},
		{"", with("query_transport", `,"transport":"janus.transport.websockets","request":{"request":"configure","json":"compact"}`)},
		{"", with("query_transport", `,"transport":"janus.transport.http","request":{}`)},
		{"", with("query_transport", `,"transport":"janus.transport.http","request":{"request":5}`)},
		{"", with("query_transport", `,"transport":"janus.transport.http","request":{"request":"dance"}`)},
		{"", with("query_transport", `,"transport":"janus.transport.http","request":{"request":"configure","events":5}`)},
		{"", with("query_transport", `,"transport":"janus.transport.http","request":{"request":"configure","events":true}`)},
		{"", with("query_eventhandler", ``)},
		{"", with("query_eventhandler", `,"handler":5,"request":{}`)},
		{"", with("query_eventhandler", `,"handler":"none","request":{}`)},
		{"", with("query_eventhandler", `,"handler":"none","request":5`)},
		{"", with("query_logger", ``)},
		{"", with("query_logger", `,"logger":5,"request":{}`)},
		{"", with("query_logger", `,"logger":"none","request":{}`)},
		{"", with("query_transport", `,"transport":"none"`)},
		{"", with("query_transport", `,"transport":"janus.transport.http"`)},
		{"", with("query_eventhandler", `,"handler":"none"`)},
		{"", with("query_logger", `,"logger":"none"`)},
		{"", with("query_logger", `,"logger":"none","request":5`)},
		{"", with("resolve_address", ``)},
		{"", with("resolve_address", `,"address":5`)},
		{"", with("resolve_address", `,"address":"nowhere.invalid"`)},
		{"", with("add_token", ``)},
		{"", with("add_token", `,"token":5`)},
		{"", with("allow_token", `,"token":"x"`)},
		{"", with("disallow_token", ``)},
		{"", with("remove_token", ``)},
		{"", with("set_session_timeout", `,"timeout":5000000000`)},
		{"", with("set_session_timeout", `,"timeout":4294967295`)},
		{"", with("set_session_timeout", `,"timeout":4294967396`)},
		{"/77", with("set_session_timeout", `,"timeout":5000000000`)},
		{"/77", with("set_session_timeout", `,"timeout":4294967295`)},
		{"/77", with("set_session_timeout", `,"timeout":4294967294`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.echotest"`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.echotest","request":{"request":"x","a":[1]}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videocall"`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videocall","request":{"request":"list"}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videoroom"`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videoroom","request":{"request":5}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videoroom","request":{"request":"dance"}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videoroom","request":{"request":"join","room":1234}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videoroom","request":{"request":"configure"}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom"`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":5}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"dance"}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"setup"}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"message","room":1234}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"create","room":7400}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"create","room":7400,"transaction":5}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"exists","room":7400,"transaction":"t"}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"create","room":7400,"transaction":"t"}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"exists","room":7400,"transaction":"t"}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.textroom","request":{"request":"destroy","room":7400,"transaction":"t"}`)},
		{"", with("set_session_timeout", `,"timeout":100`)},
		{"", with("custom_event", ``)},
		{"", with("custom_event", `,"schema":"s"`)},
		{"", with("custom_event", `,"data":{}`)},
		{"", with("custom_event", `,"schema":5,"data":{}`)},
		{"", with("custom_event", `,"schema":"s","data":5`)},
		{"", with("custom_event", `,"schema":"s","data":{}`)},
		{"", with("custom_logline", ``)},
		{"", with("custom_logline", `,"line":5`)},
		{"", with("custom_logline", `,"line":"a line","level":"x"`)},
		{"", with("custom_logline", `,"line":"a line","level":9`)},
		{"", with("custom_logline", `,"line":"a line","level":-1`)},
		{"", with("custom_logline", `,"line":"a line","level":2`)},
		{"", with("custom_logline", `,"line":"a line"`)},
		{"", with("test_stun", ``)},
		{"", with("test_stun", `,"address":"127.0.0.1"`)},
		{"", with("test_stun", `,"address":5,"port":1`)},
		{"", with("test_stun", `,"address":"127.0.0.1","port":"x"`)},
		{"", with("test_stun", `,"address":"127.0.0.1","port":-1`)},
		{"", with("test_stun", `,"address":"127.0.0.1","port":1,"localport":"x"`)},
		{"", with("test_stun", `,"address":"nowhere.invalid","port":3478`)},
		{"", with("accept_new_sessions", "")},
		{"", with("accept_new_sessions", `,"accept":1`)},
		{"", with("accept_new_sessions", `,"accept":true`)},
		{"", with("message_plugin", "")},
		{"", with("message_plugin", `,"plugin":"none","request":{}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videoroom","request":5`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.videoroom","request":{"request":"exists","room":9}`)},
		{"", with("message_plugin", `,"plugin":"janus.plugin.echotest","request":{}`)},
		{"", with("add_token", `,"token":"x"`)},
		{"", with("list_tokens", "")},
		{"/77", with("list_handles", "")},
		{"/78", with("list_handles", "")},
		{"/77", with("dance", "")},
		{"/78", with("dance", "")},
		{"/77", with("set_session_timeout", "")},
		{"/77", with("set_session_timeout", `,"timeout":50`)},
		{"/77", with("set_session_timeout", `,"timeout":-1`)},
		{"/77", `{"janus":"list_handles","transaction":"a"}`},
		{"/77", with("list_handles", `,"session_id":5`)},
		{"/77/5", with("handle_info", "")},
		{"/77/5", with("dance", "")},
		{"/77/HANDLE", with("dance", "")},
		{"/77/HANDLE", with("handle_info", `,"plugin_only":1`)},
		{"/77/HANDLE", with("stop_pcap", "")},
		{"/77/HANDLE", with("start_pcap", `,"folder":5`)},
		{"/77/HANDLE", with("start_pcap", `,"filename":5`)},
		{"/77/HANDLE", with("start_pcap", `,"truncate":-1`)},
		{"/77/5", with("start_pcap", "")},
		{"/77/HANDLE", with("stop_text2pcap", "")},
		{"/77/HANDLE", with("start_text2pcap", `,"folder":5`)},
		{"/77/HANDLE", with("start_text2pcap", `,"filename":5`)},
		{"/77/HANDLE", with("start_text2pcap", `,"truncate":-1`)},
		{"/77/5", with("start_text2pcap", "")},
		{"/77/HANDLE", with("start_pcap", `,"folder":"DIR","filename":"a.pcap"`)}, // before there is a PeerConnection
		{"/77/HANDLE", with("start_pcap", `,"folder":"DIR","filename":"b.pcap"`)},
		{"/77/HANDLE", with("start_text2pcap", `,"folder":"DIR","filename":"b.txt"`)},
		{"/77/HANDLE", with("stop_pcap", "")},
		{"/77/HANDLE", with("stop_pcap", "")},
		{"/77/HANDLE", with("start_text2pcap", `,"folder":"DIR","filename":"c.txt"`)},
		{"/77/HANDLE", with("start_text2pcap", `,"folder":"DIR","filename":"d.txt"`)},
		{"/77/HANDLE", with("stop_text2pcap", "")},
		{"/77/HANDLE", with("stop_text2pcap", "")},
		{"/77", with("set_session_timeout", `,"timeout":-2`)},
		{"/77/HANDLE", with("hangup_webrtc", "")},
		{"/77/HANDLE", with("detach_handle", "")},
		{"/77/HANDLE", with("detach_handle", "")},
		{"/77", with("list_handles", "")},
		{"/77", with("destroy_session", "")},
		{"/77", with("destroy_session", "")},
		{"", with("list_sessions", "")},
	} {
		var said []string
		for _, s := range sides {
			text, err := json.Marshal(post(t, s.admin+strings.ReplaceAll(step.path, "HANDLE", s.handle), strings.ReplaceAll(step.body, "DIR", s.dir)))
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, strings.ReplaceAll(string(text), s.handle, "HANDLE"))
		}
		if said[0] != said[1] {
			t.Errorf("%s %s:\n Cardea %s\n Janus  %s", step.path, step.body, said[1], said[0])
		}
	}
}

// TestStatusHasWhatJanusHas compares what can be read of what can be set.
func TestStatusHasWhatJanusHas(t *testing.T) {
	t.Parallel()
	oracle, cardea := cluster.StartWholeJanus(t), cluster.StartStandalone(t)
	want := object(administer(t, oracle.Admin, "get_status", "")["status"])
	first := object(administer(t, cardea.Admin, "get_status", "")["status"])
	for _, name := range []string{"session_timeout", "reclaim_session_timeout", "candidates_timeout", "no_media_timer", "slowlink_threshold"} {
		if fmt.Sprint(first[name]) != fmt.Sprint(want[name]) {
			t.Errorf("%s is %v at first, %v at Janus", name, first[name], want[name])
		}
	}
	for _, set := range []struct{ request, parameter string }{
		{"set_no_media_timer", `,"no_media_timer":7`}, {"set_slowlink_threshold", `,"slowlink_threshold":8`},
		{"set_log_timestamps", `,"timestamps":false`}, {"set_nack_optimizations", `,"nack_optimizations":true`},
	} {
		administer(t, cardea.Admin, set.request, set.parameter)
	}
	got := object(administer(t, cardea.Admin, "get_status", "")["status"])
	administer(t, cardea.Admin, "reset_media_settings", "")
	last := object(administer(t, cardea.Admin, "get_status", "")["status"])
	if fmt.Sprint(last["no_media_timer"]) != "1" || fmt.Sprint(last["slowlink_threshold"]) != "0" {
		t.Errorf("after reset_media_settings: %v", last)
	}
	for name := range want {
		if _, ok := got[name]; !ok && name != "libnice_debug" { // gone in 1.4
			t.Errorf("status has no %s: %v", name, got)
		}
	}
	for name, value := range map[string]string{"no_media_timer": "7", "slowlink_threshold": "8", "log_timestamps": "false", "nack-optimizations": "true"} {
		if fmt.Sprint(got[name]) != value {
			t.Errorf("%s is %v, was set to %s", name, got[name], value)
		}
	}
}

// TestSTUNIsTested has a node ask a STUN server, which both Cardea's own port and Janus's clients use.
func TestSTUNIsTested(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { answerSTUN(server) })
	defer wg.Wait()
	defer server.Close()
	oracle, cardea := cluster.StartWholeJanus(t), cluster.StartStandalone(t)
	for _, admin := range []string{oracle.Admin, cardea.Admin} {
		local := proc.FreePort(t)
		got := administer(t, admin, "test_stun", fmt.Sprintf(`,"address":"127.0.0.1","port":%d,"localport":%d`, server.LocalAddr().(*net.UDPAddr).Port, local))
		if got["public_ip"] != "127.0.0.1" || fmt.Sprint(got["public_port"]) != fmt.Sprint(local) || got["elapsed"] == nil {
			t.Errorf("%s: %v", admin, got)
		}
	}
}

// answerSTUN tells who asks by which address it is seen, until the socket is closed.
func answerSTUN(conn net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(b)
		if err != nil {
			return
		}
		request := &stun.Message{Raw: slices.Clone(b[:n])}
		if request.Decode() != nil {
			continue
		}
		at := from.(*net.UDPAddr)
		answer, err := stun.Build(request, stun.BindingSuccess, &stun.XORMappedAddress{IP: at.IP, Port: at.Port})
		if err == nil {
			_, _ = conn.WriteTo(answer.Raw, from)
		}
	}
}

// handleInfoLacks are members of handle_info that Cardea does not have, by how their paths end, and why.
var handleInfoLacks = map[string]string{
	".ssrc.ssrc":     "a node has no SSRC for what it does not send",
	".ssrc.ssrc-rtx": "likewise, and none of sound, which is not sent again by RTX",
}

// TestSameHandleInfoAsJanus compares which members handle_info has of a publisher, of a subscriber, and of an echo with data channels, and
// flags.
func TestSameHandleInfoAsJanus(t *testing.T) {
	t.Parallel()
	oracle, cardea := cluster.StartWholeJanus(t), cluster.StartStandalone(t)
	const conversation = `al create
bo create
al attach janus.plugin.videoroom pub
bo attach janus.plugin.videoroom sub
al.pub {"request":"create","room":7301,"audiolevel_event":true}
al.pub {"request":"join","ptype":"publisher","room":7301,"id":1,"display":"Al"}
al.pub offer av {"request":"publish"}
wait 1s
bo.sub {"request":"join","ptype":"subscriber","room":7301,"streams":[{"feed":1}]}
bo.sub answer {"request":"start"}
al attach janus.plugin.echotest echo
al.echo offer avd {"audio":true}
wait 10s
al destroy
bo destroy`
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for _, url := range []string{oracle.WS, cardea.URL} {
		wg.Go(func() {
			if _, err := talk.Play(ctx, url, conversation); err != nil {
				t.Errorf("%s: %v", url, err)
			}
		})
	}
	defer wg.Wait()
	want, got := handleInfos(t, oracle.Admin), handleInfos(t, cardea.Admin)
	for _, kind := range []string{"publisher", "subscriber", "echo"} {
		for _, path := range missing(want[kind], got[kind]) {
			at := slices.IndexFunc(slices.Collect(maps.Keys(handleInfoLacks)), func(end string) bool { return strings.HasSuffix(path, end) })
			if at < 0 {
				t.Errorf("of a %s Cardea has no %s", kind, path)
			}
		}
		t.Logf("of a %s Cardea alone has %v", kind, missing(got[kind], want[kind]))
	}
}

// TestSameHandleInfoAsJanusBeforeMedia compares which members handle_info has while there is no PeerConnection, and those of a capture
// that is to come.
func TestSameHandleInfoAsJanusBeforeMedia(t *testing.T) {
	t.Parallel()
	dirs := []string{t.TempDir(), t.TempDir()}
	oracle, cardea := cluster.StartWholeJanus(t), cluster.StartStandalone(t, "--pcap-dir", dirs[1])
	for _, plugin := range []string{"echotest", "videoroom", "videocall", "textroom"} {
		var all [2]map[string]bool
		for i, s := range []struct{ api, admin string }{{oracle.HTTP, oracle.Admin}, {cardea.HTTP, cardea.Admin}} {
			made := post(t, s.api, `{"janus":"create","transaction":"a"}`)
			session := "/" + fmt.Sprint(object(made["data"])["id"])
			attached := post(t, s.api+session, fmt.Sprintf(`{"janus":"attach","transaction":"a","plugin":"janus.plugin.%s"}`, plugin))
			path := s.admin + session + "/" + fmt.Sprint(object(attached["data"])["id"])
			all[i] = map[string]bool{}
			members("", administer(t, path, "handle_info", "")["info"], all[i])
			if got := administer(t, path, "start_pcap", fmt.Sprintf(`,"folder":%q,"filename":%q`, dirs[i], plugin)); got["janus"] != "success" {
				t.Errorf("%s: start_pcap: %v", path, got)
			}
			members("", administer(t, path, "handle_info", "")["info"], all[i])
		}
		if lacks := missing(all[0], all[1]); len(lacks) > 0 {
			t.Errorf("of a handle of %s Cardea has no %s", plugin, lacks)
		}
		t.Logf("of a handle of %s Cardea alone has %v", plugin, missing(all[1], all[0]))
	}
}

// handleInfos waits until there is a publisher, a subscriber and an echo that is up, and returns the members of each.
func handleInfos(t *testing.T, admin string) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	for deadline := time.Now().Add(time.Minute); len(all) < 3; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: only %v", admin, slices.Collect(maps.Keys(all)))
		}
		sessions, _ := administer(t, admin, "list_sessions", "")["sessions"].([]any)
		for _, session := range sessions {
			at := admin + "/" + fmt.Sprint(session)
			handles, _ := administer(t, at, "list_handles", "")["handles"].([]any)
			for _, handle := range handles {
				info := object(administer(t, at+"/"+fmt.Sprint(handle), "handle_info", "")["info"])
				kind, _ := object(info["plugin_specific"])["type"].(string)
				if info["plugin"] == "janus.plugin.echotest" {
					kind = "echo"
				}
				if up, _ := object(info["flags"])["ready"].(bool); up && kind != "" && all[kind] == nil {
					time.Sleep(1500 * time.Millisecond) // for the first statistics
					all[kind] = map[string]bool{}
					info = object(administer(t, at+"/"+fmt.Sprint(handle), "handle_info", "")["info"])
					members("", info, all[kind])
					for _, flag := range []string{"got-offer", "got-answer", "negotiated", "processing-offer", "trickle", "data-channels", "has-audio", "has-video", "alert"} {
						all[kind][fmt.Sprint(".flags.", flag, " ", object(info["flags"])[flag])] = true
					}
				}
			}
		}
	}
	return all
}

// TestAdminPage has Debian's page list a session and show its handle while media flows. It asks one edge about what another
// one has.
func TestAdminPage(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	browser := chrome.Start(t)
	call := browser.Open(t, "echo", demos.Serve(t, a.URLs[0])+"/echotest.html")
	call.Click("#start")
	call.WaitVideos(2, 40*time.Second)

	page := browser.Open(t, "admin", demos.ServeAdmin(t, a.Admins[1], cluster.AdminSecret)+"/admin.html")
	page.WaitFor("settings", `document.querySelector('#server-settings').textContent.includes('session_timeout')`, 20*time.Second)
	page.WaitFor("plugins", `document.querySelector('#server-plugins').textContent.includes('janus.plugin.videoroom')`, 20*time.Second)
	page.Click(`a[href="#handlesinfo"]`)
	page.WaitFor("a session", `document.querySelectorAll('#sessions-list a').length === 1`, 20*time.Second)
	page.Click("#sessions-list a")
	page.WaitFor("a handle", `document.querySelectorAll('#handles-list a').length === 1`, 20*time.Second)
	page.Click("#handles-list a")
	page.WaitFor("what is sent", `/"packets": [1-9]/.test(document.querySelector('#handle-info').textContent)`, 20*time.Second)
	page.WaitFor("SDP", `document.querySelector('#handle-info').textContent.includes('"local"')`, 20*time.Second)
	page.Screenshot("handle")

	// What the page shows is what the API says, by any edge.
	session := fmt.Sprint(administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any)[0])
	handle := fmt.Sprint(administer(t, a.Admins[1]+"/"+session, "list_handles", "")["handles"].([]any)[0])
	text, err := json.Marshal(administer(t, a.Admins[0]+"/"+session+"/"+handle, "handle_info", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"selected-pair":"127.0.0.1:`, `"dtls-state":"connected"`, `"srtp-profile":"`, `"ready":true`, `m=video`, `"codec":"opus"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("handle_info lacks %s: %s", want, text)
		}
	}
	if found := regexp.MustCompile(`"packets":[1-9]`).FindAll(text, -1); len(found) < 6 { // in and out: in all, of audio, of video
		t.Errorf("only %d counts of packets: %s", len(found), text)
	}

	// The endpoint hears of an administrator's hangup, and the session ends at the edge that has it.
	administer(t, a.Admins[1]+"/"+session+"/"+handle, "hangup_webrtc", "")
	call.WaitFor("the hangup", `document.querySelectorAll('video').length < 2`, 20*time.Second)
	administer(t, a.Admins[1]+"/"+session, "destroy_session", "")
	if left := administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any); slices.Contains(left, any(json.Number(session))) {
		t.Errorf("still there: %v", left)
	}
}
