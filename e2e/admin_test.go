//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
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
	oracle, cardea := cluster.StartWholeJanus(t), cluster.StartStandalone(t)
	type side struct{ api, admin, handle string }
	sides := []*side{{api: oracle.HTTP, admin: oracle.Admin}, {api: cardea.HTTP, admin: cardea.Admin}}
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
			text, err := json.Marshal(post(t, s.admin+strings.ReplaceAll(step.path, "HANDLE", s.handle), step.body))
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

// TestAdminPage has Debian's page list a session and show its handle while media flows. It asks one edge about what another
// one has.
func TestAdminPage(t *testing.T) {
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
