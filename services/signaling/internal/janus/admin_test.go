package janus

import "testing"

func FuzzParseAdmin(f *testing.F) {
	for _, body := range []string{
		`{"janus":"ping","transaction":"a"}`, `{"janus":"list_sessions","transaction":"a","admin_secret":5}`, `[]`, `{"handle_id":5}`,
		`{"janus":"set_session_timeout","transaction":"a","timeout":-1}`, `{"janus":"message_plugin","transaction":"a","plugin":"p","request":{}}`,
		`{"janus":"allow_token","transaction":"a","token":"t","plugins":[]}`,
	} {
		f.Add([]byte(body), uint64(7), uint64(0))
	}
	f.Fuzz(func(t *testing.T, body []byte, session, handle uint64) {
		req, err := ParseAdmin(body, session>>1, handle>>1)
		if err != nil {
			return
		}
		cmd, err := req.Command()
		if (cmd == nil) == (err == nil) {
			t.Errorf("command %v, error %v", cmd, err)
		}
		if cmd != nil && (cmd.GetSessionId() != req.SessionID || cmd.GetHandleId() != req.HandleID) {
			t.Errorf("%v is not about %d, %d", cmd, req.SessionID, req.HandleID)
		}
	})
}

func TestAnswersAboutCapturesHaveNoSession(t *testing.T) {
	for name, want := range map[string]string{
		"start_pcap": `{"janus":"success","transaction":"a"}`, "stop_text2pcap": `{"janus":"success","transaction":"a"}`,
		"hangup_webrtc": `{"janus":"success","session_id":7,"transaction":"a"}`,
	} {
		req, refused := ParseAdmin([]byte(`{"janus":"`+name+`","transaction":"a"}`), 7, 8)
		if refused != nil {
			t.Fatal(refused)
		}
		if got, err := req.AdminSuccess(nil); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}
