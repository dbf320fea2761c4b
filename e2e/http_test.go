//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// TestSameHTTPAsJanus sends the same requests to both, in this order, and compares status, CORS and body.
func TestSameHTTPAsJanus(t *testing.T) {
	t.Parallel()
	oracle := cluster.StartWholeJanus(t).HTTP
	cardea := cluster.StartStandalone(t).HTTP
	for _, step := range []struct{ method, path, body string }{
		{"POST", "", `{"janus":"ping","transaction":"a"}`},
		{"POST", "/", `{"janus":"ping","transaction":"a"}`},
		{"POST", "", `{"janus":"create","transaction":"a","id":77}`},
		{"POST", "", `{"janus":"create","transaction":"a","id":77}`},
		{"POST", "/77", `{"janus":"keepalive","transaction":"a"}`},
		{"POST", "/77", `{"janus":"keepalive","transaction":"a","session_id":77}`},
		{"POST", "/77", `{"janus":"keepalive","transaction":"a","session_id":5}`},
		{"POST", "", `{"janus":"keepalive","transaction":"a","session_id":77}`},
		{"POST", "/77/6", `{"janus":"detach","transaction":"a","handle_id":5}`},
		{"POST", "/77/6", `{"janus":"detach","transaction":"a"}`},
		{"POST", "/78", `{"janus":"keepalive","transaction":"a"}`},
		{"POST", "/77", `{"janus":"keepalive"}`},
		{"POST", "/abc", `{"janus":"keepalive","transaction":"a"}`},
		{"POST", "/77/abc", `{"janus":"keepalive","transaction":"a"}`},
		{"POST", "/77", `{"janus":"dance","transaction":"a"}`},
		{"POST", "", `nojson`},
		{"POST", "", `3`},
		{"POST", "", `[1]`},
		{"POST", "/77", `{"janus":"keepalive","transaction":"a"}{"janus":"keepalive","transaction":"b"}`},
		{"POST", "/77", `{"janus":"attach","plugin":"janus.plugin.none","transaction":"a"}`},
		{"GET", "", ""},
		{"GET", "/78", ""},
		{"GET", "/77/5", ""},
		{"GET", "/..%2f", ""},
		{"DELETE", "/77", ""},
		{"OPTIONS", "/77", ""},
		{"POST", "/77", `{"janus":"destroy","transaction":"a"}`},
		{"GET", "/77", ""},
	} {
		name := fmt.Sprintf("%s %s %s", step.method, step.path, step.body)
		want, got := exchange(t, oracle, step.method, step.path, step.body), exchange(t, cardea, step.method, step.path, step.body)
		if got != want {
			t.Errorf("%s:\n Cardea %s\n Janus  %s", name, got, want)
		}
	}
}

// TestPollsWithoutKeepAliveGiveEachEventOnce asks by a connection of its own for each event, as curl and many proxies do, in turn at
// both edges.
func TestPollsWithoutKeepAliveGiveEachEventOnce(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(edge int, path, body string) (answer struct {
		Janus, Transaction string
		Data               struct{ ID uint64 }
	}) {
		t.Helper()
		method := http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(t.Context(), method, a.HTTPs[edge]+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	session := fmt.Sprint("/", ask(0, "", `{"janus":"create","transaction":"a"}`).Data.ID)
	handle := fmt.Sprint(session, "/", ask(1, session, `{"janus":"attach","plugin":"janus.plugin.echotest","transaction":"a"}`).Data.ID)
	const events = 60
	for i := range events {
		ask(i%2, handle, fmt.Sprintf(`{"janus":"message","transaction":"%d","body":{"audio":true}}`, i))
	}
	for i := range events {
		if got := ask(i%2, session, ""); got.Transaction != fmt.Sprint(i) {
			t.Fatalf("event %d: %+v", i, got)
		}
	}
}

// exchange says what came back, in a form that can be compared.
func exchange(t *testing.T, base, method, path, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Access-Control-Request-Method", "POST")
	req.Header.Set("Access-Control-Request-Headers", "content-type")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v any // decoded, so that the order of members makes no difference
	if len(b) > 0 {
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprint(resp.StatusCode, " ", string(text))
	for _, name := range []string{"Content-Type", "Location", "Access-Control-Allow-Origin", "Access-Control-Max-Age",
		"Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} {
		out += fmt.Sprintf(" %q", resp.Header.Get(name))
	}
	return out
}

// TestSameCORSAsJanus asks both, where only pages of one origin may ask: those of that origin, those of another, and preflights of
// each.
func TestSameCORSAsJanus(t *testing.T) {
	t.Parallel()
	const ours, theirs = "https://app.example", "https://evil.example"
	oracle := cluster.StartJanusWith(t, cluster.JanusSettings{HTTP: []string{`cors: { allow_origin = "` + ours + `"; enforce_cors = true; }`}}).HTTP
	cardea := cluster.StartStandalone(t, "--origins", ours).HTTP
	for _, method := range []string{"POST", "GET", "OPTIONS"} {
		for _, origin := range []string{ours, theirs} {
			var answers [2]string
			for i, base := range []string{oracle, cardea} {
				body := "" // MHD closes connections over one that it does not expect
				if method == "POST" {
					body = `{"janus":"keepalive","transaction":"a"}`
				}
				req, err := http.NewRequestWithContext(t.Context(), method, base+"/5", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Close = true // Janus closes the connection of who is refused
				req.Header.Set("Origin", origin)
				req.Header.Set("Access-Control-Request-Method", "POST")
				req.Header.Set("Access-Control-Request-Headers", "content-type")
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				answers[i] = fmt.Sprint(resp.StatusCode)
				for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Max-Age",
					"Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} {
					answers[i] += fmt.Sprintf(" %q", resp.Header.Get(name))
				}
			}
			t.Logf("%s from %s: Janus %s, Cardea %s", method, origin, answers[0], answers[1])
			if origin == theirs {
				if strings.HasPrefix(answers[1], "200") || strings.Contains(answers[1], "example") {
					t.Errorf("%s from another origin: %s", method, answers[1])
				}
				continue
			}
			if answers[0] != answers[1] {
				t.Errorf("%s:\n Cardea %s\n Janus  %s", method, answers[1], answers[0])
			}
		}
	}
}
