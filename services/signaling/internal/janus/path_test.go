package janus

import "testing"

func FuzzFromPath(f *testing.F) {
	for _, body := range []string{
		`{"janus":"ping","transaction":"a"}`, `{"session_id":5}`, `[1]`, `3`, `nojson`, `{}{}`, "{} \n", `{"session_id":-1,"handle_id":"x"}`,
	} {
		f.Add([]byte(body), uint64(7), uint64(0))
	}
	f.Fuzz(func(t *testing.T, body []byte, session, handle uint64) {
		session, handle = session>>1, handle>>1 // as a path can have them
		req, err := FromPath(body, session, handle)
		if err == nil && (session != 0 && req.SessionID != session || handle != 0 && req.HandleID != handle) {
			t.Errorf("ids %d, %d became %d, %d", session, handle, req.SessionID, req.HandleID)
		}
		if err != nil && err.Reason == "" {
			t.Error("an error without words")
		}
	})
}
